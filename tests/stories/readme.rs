//! README.md and the guides for a Raspberry Pi and to the API, typed as they are printed: every shell block is run, in
//! order, on the machines that the text speaks of, and shows what the text shows. A block that no test runs says why.
//!
//! `cargo build --release` is a stand-in, for it takes minutes: it puts the program under test where a build leaves it,
//! and what comes after the build takes it from there. For others see tests/stories/common/service.rs and tests/stories/common/machine.rs.

#![allow(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::common;

use common::machine::{Machine, QUESTIONS, home};
use common::mesh::{SOON, wait_for_peer};
use common::netns::NetNs;
use common::printed::{Block, blocks, line, read, to_run};
use common::service::Service;
use common::wait::{wait_for, wait_until};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

/// The coordinator's address in these documents.
const URL: &str = "http://192.168.1.10:8080";
const CARGO: &str = concat!(
    "#!/bin/sh\n[ \"$*\" = 'build --release' ] && mkdir -p target/release && ln -sf '",
    env!("CARGO_BIN_EXE_wonder"),
    "' target/release/wonder\n"
);

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
    let service = Service::installable(&pi);
    install.was_answered_by(&pi.types(&install.text, &[]));
    service.wait_until_listening(1);
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

/// Of those the scripts are there, at least; tests/stories/documents.rs asks `wonder` for each of its own and their flags.
#[test]
fn a_block_that_is_not_run_says_why_and_its_scripts_are_there() {
    let (root, mut marked) = (Path::new(env!("CARGO_MANIFEST_DIR")), 0);
    for document in ["README.md", "docs/getting-started-raspberry-pi.md", "docs/api.md", "docs/operations.md"]
    {
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
