//! `scripts/quickstart` does what it says, and leaves neither process nor file behind, whichever way it ends.

#![allow(clippy::unwrap_used)]

use crate::common;

use common::printed::blocks;
use common::process::Process;
use common::wait::wait_until;
use rustix::process::Signal;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn two_devices_ping_each_other_by_name_and_all_is_gone_again() {
    let directory = tempfile::tempdir().unwrap();
    let output = quickstart(directory.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    for wanted in [
        "Joined ada as pi.ada.wonder.internal (100.64.0.1, ",
        "Joined ada as laptop.ada.wonder.internal (100.64.0.2, ",
        "laptop.ada.wonder.internal.  5    ClassINET  TypeA  100.64.0.2",
        "pong from laptop (100.64.0.2) via ",
        "pong from pi (100.64.0.1) via ",
    ] {
        assert!(said.contains(wanted), "{wanted:?} is missing in:\n{said}");
    }
    let printed = blocks("README.md").remove(0).with_answer_after("README.md", "It ends like this:");
    printed.was_answered_by(&said);
    assert_nothing_is_left(directory.path());
}

#[test]
fn a_quickstart_that_is_broken_off_leaves_nothing() {
    for signal in [Signal::INT, Signal::TERM] {
        let directory = tempfile::tempdir().unwrap();
        let log = tempfile::NamedTempFile::new().unwrap();
        let mut command = quickstart(directory.path());
        let mut script = Process::start(command.arg("--keep"), log.path(), false);
        wait_until("the quickstart is up", PATIENCE, || {
            assert!(script.ended().is_none(), "{}", script.log_tail());
            script.log().contains("until Ctrl-C")
        });
        assert_eq!(processes_with(directory.path()).len(), 3, "a coordinator and two devices");
        script.signal(signal);
        wait_until("the quickstart ends", Duration::from_secs(30), || script.ended().is_some());
        assert_nothing_is_left(directory.path());
    }
}

fn quickstart(directory: &Path) -> Command {
    // Where the tests run in the background, Ctrl-C is ignored, and a shell cannot take that back by itself.
    let mut command = Command::new("env");
    command.args(["--default-signal=INT", concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/quickstart")]);
    command.env("TMPDIR", directory).env("WONDER_BINARY", env!("CARGO_BIN_EXE_wonder"));
    command
}

fn assert_nothing_is_left(directory: &Path) {
    let files: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.is_empty(), "{files:?}");
    let processes = processes_with(directory);
    assert!(processes.is_empty(), "{processes:?}");
}

/// The command lines of the processes whose environment names `directory`, those of `directory`'s shells not
/// counted.
fn processes_with(directory: &Path) -> Vec<String> {
    let needle = directory.to_str().unwrap().as_bytes();
    let names_it = |file: &Path| {
        std::fs::read(file).unwrap_or_default().windows(needle.len()).any(|part| part == needle)
    };
    let processes = std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    processes
        .filter(|process| names_it(&process.join("environ")))
        .map(|process| {
            std::fs::read_to_string(process.join("cmdline")).unwrap_or_default().replace('\0', " ")
        })
        .filter(|command| !command.is_empty() && !command.contains("bash"))
        .collect()
}
