//! A child process that is ended by its pid, and whose words are kept in a file.

use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::wait::try_wait_for;

/// Lines of a log that a failure shows.
const TAIL: usize = 40;

/// A running program; dropped, it is killed.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command`, with its stderr (and, unless it was set, its stdout) appended to `log`.
    pub fn start(command: &mut Command, log: &Path, keep_stdout: bool) -> Process {
        let file = File::options().create(true).append(true).open(log).expect("a log file can be made");
        let stdout = if keep_stdout { Stdio::piped() } else { file.try_clone().unwrap().into() };
        let child = command.stdin(Stdio::null()).stdout(stdout).stderr(file).spawn();
        let child = child.unwrap_or_else(|e| panic!("{:?} does not start: {e}", command.get_program()));
        Process { child, log: log.to_owned() }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn stdout(&mut self) -> std::process::ChildStdout {
        self.child.stdout.take().expect("stdout was piped, and is taken once")
    }

    /// The status, if it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("a child can be signalled");
    }

    /// SIGTERM; SIGKILL after thirty seconds. The status with which it ended.
    pub fn stop(&mut self) -> ExitStatus {
        if self.ended().is_none() {
            self.signal(Signal::TERM);
        }
        match try_wait_for(Duration::from_secs(30), || self.ended()) {
            Some(status) => status,
            None => self.kill(),
        }
    }

    /// SIGKILL, as a power cut would be for the program.
    pub fn kill(&mut self) -> ExitStatus {
        let _ = self.child.kill();
        self.child.wait().expect("a killed child ends")
    }

    /// The whole of what it has said.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The end of what it has said, for the message of a failure.
    pub fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(TAIL)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
