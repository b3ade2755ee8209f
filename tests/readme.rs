//! README.md and the guides for a Raspberry Pi and to the API, typed as they are printed: every shell block is run, in
//! order, on the machines that the text speaks of, and shows what the text shows. A block that no test runs says why. Of
//! the other documents, what is typed rarely and has to work then: a backup.
//!
//! `sudo` is a stand-in, for the tests are root already. So is `cargo build --release`, which takes minutes: it puts the
//! program under test where a build leaves it, and what comes after the build takes it from there. And so is `systemctl`,
//! for a machine of a test has no service manager: it starts what the installed unit says, as the user it names.

#![allow(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

mod common;

use common::machine::Machine;
use common::mesh::{SOON, wait_for_peer};
use common::netns::NetNs;
use common::printed::{Block, blocks, read};
use common::wait::{wait_for, wait_until};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

/// The coordinator's address in both documents.
const URL: &str = "http://192.168.1.10:8080";
const PASSWORD: &str = "a long enough password";
/// What a new account and a log-in ask for.
const QUESTIONS: [(&str, &str); 3] =
    [("New password", PASSWORD), ("The same again", PASSWORD), ("Password", PASSWORD)];

const CARGO: &str = concat!(
    "#!/bin/sh\n[ \"$*\" = 'build --release' ] && mkdir -p target/release && ln -sf '",
    env!("CARGO_BIN_EXE_wonder"),
    "' target/release/wonder\n"
);

const SYSTEMCTL: &str = r#"#!/bin/bash -eu
[ "$*" = 'enable --now wonder' ]
of() { sed -n "s/^$1=//p" /etc/systemd/system/wonder.service; }
install -d -o "$(of User)" -g "$(of Group)" -m "$(of StateDirectoryMode)" "/var/lib/$(of StateDirectory)"
trap '' HUP # The terminal may close before the service has left it.
setsid setpriv --reuid "$(of User)" --regid "$(of Group)" --clear-groups \
    env "$(of Environment)" $(of ExecStart) >"$HOME/log" 2>&1 </dev/null &
echo $! >"$HOME/pid"
"#;

/// The service that the stand-in for `systemctl` has started; dropped, it is ended.
struct Service<'a>(&'a Machine<'a>);

impl Drop for Service<'_> {
    fn drop(&mut self) {
        if let Ok(pid) = std::fs::read_to_string(self.0.path("home/pid")) {
            let _ = Command::new("kill").arg(pid.trim()).status();
        }
    }
}

/// A home network: a router, and hosts with the addresses 192.168.1.10, .14, .18 …
fn home(hosts: &[&NetNs]) -> NetNs {
    let router = NetNs::new();
    router.forward();
    for (i, host) in hosts.iter().enumerate() {
        let own = 10 + 4 * i;
        host.link(&format!("192.168.1.{own}/30"), &router, &format!("192.168.1.{}/30", own - 1));
        host.default_route(&format!("192.168.1.{}", own - 1));
    }
    router
}

/// The blocks of a document that are run, as many as a story knows of.
fn to_run<const N: usize>(document: &str) -> [Block; N] {
    let run: Vec<_> = blocks(document).into_iter().filter(|block| block.not_run.is_none()).collect();
    let count = run.len();
    run.try_into().unwrap_or_else(|_| panic!("{document} has {count} blocks to run, its story {N}"))
}

/// The line of a text in which a command stands.
fn line<'a>(text: &'a str, command: &str) -> &'a str {
    let found = text.lines().map(str::trim).find(|line| line.starts_with(command));
    found.unwrap_or_else(|| panic!("{command} is not in:\n{text}"))
}

#[test]
fn five_minutes_to_a_mesh_on_a_lan_are_as_they_are_printed() {
    let [build, serve, account, ping, nodes, share] = to_run("README.md");
    let hosts = [NetNs::new(), NetNs::new(), NetNs::new()];
    let _router = home(&hosts.each_ref());
    let [server, pi, laptop] =
        [(0, "server"), (1, "pi"), (2, "laptop")].map(|(i, name)| Machine::start(&hosts[i], name));
    server.program("cargo", CARGO);
    build.was_answered_by(&server.types(&build.text, &[]));
    let coordinator = server.begin(&serve.text);
    wait_until("it listens", SOON, || coordinator.log().contains("listening on"));
    let made = server.types(&account.text, &QUESTIONS);
    serve.was_answered_by(&coordinator.log());
    account.was_answered_by(&made);

    pi.install_wonder();
    let joined = pi.types(&format!("sudo {}", line(&made, "wonder worker join")), &[]);
    assert!(joined.contains(line(&read("README.md"), "Joined ada as pi.ada")), "{joined}");
    laptop.types(&format!("sudo {}", line(&made, "tailscale up")), &[]);
    ping.was_answered_by(&laptop.types(&ping.text, &[]));
    nodes.was_answered_by(&server.types(&nodes.text, &[("Remove node kitchen?", "y")]));
    assert!(!server.types("wonder node list", &[]).contains("kitchen"));
    share.was_answered_by(&server.types(&share.text, &[]));
}

#[test]
fn a_coordinator_on_a_raspberry_pi_is_as_it_is_printed() {
    let [install, account, join, token, approve, routes] = to_run("docs/getting-started-raspberry-pi.md");
    let hosts = [NetNs::new(), NetNs::new()];
    let _router = home(&hosts.each_ref());
    let (pi, phone) = (Machine::start(&hosts[0], "pi"), Machine::start(&hosts[1], "phone"));
    symlink(env!("CARGO_BIN_EXE_wonder"), pi.path("here/wonder")).unwrap();
    symlink(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy"), pi.path("here/deploy")).unwrap();
    pi.program("systemctl", SYSTEMCTL);
    let _service = Service(&pi);
    install.was_answered_by(&pi.types(&install.text, &[]));
    let log = || std::fs::read_to_string(pi.path("home/log")).unwrap_or_default();
    wait_until("the service listens", SOON, || log().contains("listening on"));
    account.was_answered_by(&pi.types(&account.text, &QUESTIONS));
    join.was_answered_by(&pi.types(&join.text, &[]));
    token.was_answered_by(&pi.types(&token.text, &[]));

    let (mut up, url) = phone.daemon.begin_log_in(URL, "phone");
    let code = url.rsplit_once('/').unwrap().1;
    pi.types(&approve.text.replace("CODE", code), &[]);
    assert!(wait_for("the phone is in", SOON, || up.ended()).success(), "{}", up.log());
    routes.was_answered_by(&pi.types(&routes.text, &[]));
    wait_for_peer(&phone.daemon, "pi", "leads to the home network", |peer| {
        peer["PrimaryRoutes"][0] == "192.168.1.0/24"
    });
}

#[test]
fn the_guide_to_the_api_is_as_it_is_printed() {
    let [begin, token, node, change, refused, rotate] = to_run("docs/api.md");
    let host = NetNs::new();
    let _router = home(&[&host]);
    let pi = Machine::start(&host, "pi");
    pi.install_wonder();
    let coordinator = pi.begin("wonder serve --listen 127.0.0.1:8080");
    wait_until("it listens", SOON, || coordinator.log().contains("listening on"));
    pi.types("wonder user create ada@example.org", &QUESTIONS[..2]);
    pi.types("wonder login http://127.0.0.1:8080 --email ada@example.org", &QUESTIONS[2..]);
    pi.types("wonder token create -q | wonder worker join -", &[]);
    // What a terminal would keep from one block to the next.
    let kept = "declare -p URL TOKEN >~/kept";
    begin.was_answered_by_json(&pi.types(&format!("{}echo\n{kept}", begin.text), &[]));
    let types = |block: &Block| pi.types(&format!(". ~/kept\n{}", block.text), &[]);
    token.was_answered_by_json(&types(&token));
    node.was_answered_by_json(&types(&node));
    refused.was_answered_by_json(&types(&refused));
    change.was_answered_by(&types(&change));
    rotate.was_answered_by(&types(&rotate));
}

/// As docs/operations.md says how to keep and to restore it.
#[test]
fn what_was_backed_up_brings_everything_back() {
    let backup =
        blocks("docs/operations.md").into_iter().find(|block| block.text.contains(".backup")).unwrap();
    let host = NetNs::new();
    let _router = home(&[&host]);
    let pi = Machine::start(&host, "pi");
    pi.install_wonder();
    let serve = || {
        let coordinator = pi.begin(&format!("wonder serve --listen {}", URL.trim_start_matches("http://")));
        wait_until("it listens", SOON, || coordinator.log().contains("listening on"));
        coordinator
    };
    let mut coordinator = serve();
    pi.types("wonder user create ada@example.org", &QUESTIONS[..2]);
    pi.types(&format!("wonder login {URL} --email ada@example.org"), &QUESTIONS[2..]);
    pi.types("wonder token create -q | wonder worker join -", &[]);
    backup.was_answered_by(&pi.types(&backup.text, &[]));

    assert!(coordinator.stop().success(), "{}", coordinator.log_tail());
    std::fs::remove_file(pi.path("log")).unwrap();
    pi.types("rm -r /var/lib/wonder && install -d -m 700 /var/lib/wonder", &[]);
    pi.types("install -m 600 /var/backups/wonder.db /var/backups/master.key /var/lib/wonder/", &[]);
    let _coordinator = serve();
    wait_until("the device is back by itself", 3 * SOON, || {
        line(&pi.types("wonder node list", &[]), "pi").ends_with("online")
    });
}

/// Of those the scripts are there, at least; tests/documents.rs asks `wonder` for each of its own and their flags.
#[test]
fn a_block_that_is_not_run_says_why_and_its_scripts_are_there() {
    let (root, mut marked) = (Path::new(env!("CARGO_MANIFEST_DIR")), 0);
    for document in ["README.md", "docs/getting-started-raspberry-pi.md", "docs/api.md"] {
        for block in blocks(document) {
            let Some(why) = &block.not_run else { continue };
            assert!(why.split_whitespace().count() > 2, "{document}: {why}");
            for command in block.text.lines().filter_map(|line| line.split_whitespace().next()) {
                let own = root.join(command);
                let there = own.metadata().is_ok_and(|file| file.permissions().mode() & 0o111 != 0);
                assert!(there || command == "scp", "{document}: {command}");
            }
            marked += 1;
        }
    }
    assert!(marked <= 3, "most blocks are run");
}
