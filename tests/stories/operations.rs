//! docs/operations.md, typed as it is printed: every shell block is run on machines like those that it speaks of. A
//! service is installed, changed, backed up, restored, and loses its master key; a coordinator is served by HTTPS, behind
//! a proxy, with metrics, and on PostgreSQL.
//!
//! The stand-ins are those of tests/stories/readme.rs.

#![allow(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::common;

use common::machine::{Machine, QUESTIONS, home};
use common::mesh::SOON;
use common::netns::NetNs;
use common::printed::{Block, line, read, settings, to_run};
use common::process::Process;
use common::service::Service;
use common::wait::wait_until;
use std::os::unix::fs::symlink;

const OPERATIONS: &str = "docs/operations.md";
/// The coordinator's address in the example of settings.
const URL: &str = "http://192.168.1.10:8080";
/// The name for which a certificate is there.
const NAME: &str = "mesh.example.org";
const READY: &str = r#"{"status":"ok"}"#;

/// Debian's, as its package would make and start it.
const POSTGRES: &str = r#"
version=$(ls /usr/lib/postgresql | sort -n | tail -n 1)
pg_createcluster --locale=C.UTF-8 --port=5432 "$version" mesh >~/postgres.log 2>&1
exec setpriv --reuid postgres --regid postgres --init-groups --pdeathsig SIGQUIT \
    "/usr/lib/postgresql/$version/bin/postgres" -D "/var/lib/postgresql/$version/mesh" \
    -c "config_file=/etc/postgresql/$version/mesh/postgresql.conf" >>~/postgres.log 2>&1
"#;

/// The shell blocks of the document, by what they are for.
struct Printed {
    install: Block,
    mail: Block,
    https: Block,
    proxy: Block,
    role: Block,
    postgres: Block,
    backup: Block,
    dump: Block,
    restore: Block,
    restore_dump: Block,
    rotate: Block,
    reset: Block,
    upgrade: Block,
    health: Block,
    metrics: Block,
    scrape: Block,
}

fn printed() -> Printed {
    let [install, mail, https, proxy, role, postgres, rest @ ..] = to_run::<16>(OPERATIONS);
    let [backup, dump, restore, restore_dump, rotate, reset, upgrade, health, metrics, scrape] = rest;
    #[rustfmt::skip]
    let printed = Printed {
        install, mail, https, proxy, role, postgres, backup, dump, restore, restore_dump, rotate, reset, upgrade,
        health, metrics, scrape,
    };
    printed
}

/// Starts what is printed, and waits until it listens. One at a time is running on a machine.
fn serve(machine: &Machine<'_>, block: &str) -> Process {
    let _ = std::fs::remove_file(machine.path("log"));
    let coordinator = machine.begin(block);
    wait_until("it listens", SOON, || coordinator.log().contains("listening on"));
    coordinator
}

/// A coordinator that does not start tells why as the `nth` example says, ends with code 1, and makes nothing.
fn does_not_start(machine: &Machine<'_>, serve: &str, nth: usize) {
    let before = "find ~ /var/lib/wonder -type f | sort >~/before";
    let after = "code=$?; find ~ /var/lib/wonder -type f | sort | diff ~/before - && echo code $code";
    let said = machine.types(&format!("touch ~/before; {before}; set +e; {serve}; {after}"), &[]);
    Block::example(OPERATIONS, "When it does not start", nth).was_answered_by(&said);
    assert!(said.trim_end().ends_with("code 1"), "{said}");
}

fn stop(mut coordinator: Process) {
    assert!(coordinator.stop().success(), "{}", coordinator.log_tail());
}

/// A person with a device at the coordinator that runs there.
fn join(machine: &Machine<'_>, url: &str) {
    machine.types(&format!("wonder login {url} --email ada@example.org"), &QUESTIONS[2..]);
    machine.types("wonder token create -q | wonder worker join -", &[]);
}

fn wait_until_the_device_is_back(machine: &Machine<'_>) {
    wait_until("the device is back by itself", 3 * SOON, || {
        line(&machine.types("wonder node list", &[]), "pi").ends_with("online")
    });
}

#[test]
fn a_service_is_kept_as_it_is_printed() {
    let printed = printed();
    let host = NetNs::new();
    let _router = home(&[&host]);
    let pi = Machine::start(&host, "pi");
    std::fs::create_dir_all(pi.path("here/target/release")).unwrap();
    symlink(env!("CARGO_BIN_EXE_wonder"), pi.path("here/target/release/wonder")).unwrap();
    symlink(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy"), pi.path("here/deploy")).unwrap();
    let service = Service::installable(&pi);
    pi.types(&printed.install.text, &QUESTIONS[..2]);
    service.wait_until_listening(1);
    printed.health.was_answered_by(&pi.types(&printed.health.text, &[]));

    std::fs::write(pi.path("here/wonder.toml"), settings(OPERATIONS)).unwrap();
    pi.types("sudo install -m 640 -g wonder wonder.toml /etc/wonder/wonder.toml", &[]);
    pi.types(&printed.upgrade.text, &[]);
    service.wait_until_listening(2);
    pi.types(&printed.mail.text, &QUESTIONS[2..]);
    join(&pi, URL);
    what_is_logged_is_as_it_is_printed(&service);

    pi.types(&printed.backup.text, &[]);
    pi.types(&printed.rotate.text, &[]);
    pi.types("sudo rm /var/lib/wonder/wonder.db /var/lib/wonder/master.key", &[]);
    pi.types(&printed.restore.text, &[]);
    service.wait_until_listening(3);
    wait_until_the_device_is_back(&pi);

    pi.types("sudo rm /var/lib/wonder/master.key && sudo systemctl stop wonder", &[]);
    let lost = printed.reset.with_answer_after(OPERATIONS, "it does not start:");
    lost.was_answered_by(&pi.types("sudo wonder serve || true", &[]));
    pi.types(&lost.text, &[("Forget the coordinator's own keys", "y")]);
    service.wait_until_listening(4);
    assert!(line(&pi.types("wonder node list", &[]), "pi").contains("100.64.0.1"), "its record stays");
}

/// The line of a request has what the document shows, in that order.
fn what_is_logged_is_as_it_is_printed(service: &Service<'_>) {
    let keys = |line: &str| {
        let parts = line.split(['{', ',']).filter_map(|part| part.split_once(':'));
        parts.map(|(key, _)| key.to_owned()).collect::<Vec<_>>()
    };
    let document = read(OPERATIONS);
    let shown = keys(line(&document, r#"{"timestamp":"#));
    let log = service.log();
    let logged = log.lines().find(|line| line.contains("/api/v1/sessions")).unwrap();
    assert_eq!(keys(logged)[..shown.len()], shown, "{logged}");
}

#[test]
fn a_coordinator_is_served_as_it_is_printed() {
    let printed = printed();
    let host = NetNs::new();
    let _router = home(&[&host]);
    let server = Machine::start(&host, "server");
    server.install_wonder();

    let coordinator = serve(&server, &printed.metrics.text);
    let metrics = server.types(&printed.scrape.text, &[]);
    assert!(metrics.contains("\nwonder_build_info{"), "{metrics}");
    does_not_start(&server, "wonder serve --listen 127.0.0.1:8080 --data-dir ~/another", 0);
    does_not_start(&server, "wonder serve --listen :9090 --no-derp", 1);
    stop(coordinator);

    let key = rcgen::KeyPair::generate().unwrap();
    let made = rcgen::CertificateParams::new([NAME.to_owned()]).unwrap().self_signed(&key).unwrap();
    std::fs::write(server.path("here/fullchain.pem"), made.pem()).unwrap();
    std::fs::write(server.path("here/privkey.pem"), key.serialize_pem()).unwrap();
    let coordinator = serve(&server, &printed.https.text);
    let ask = format!("curl --cacert fullchain.pem --resolve {NAME}:443:127.0.0.1 https://{NAME}/readyz");
    assert_eq!(server.types(&ask, &[]), READY);
    stop(coordinator);

    let coordinator = serve(&server, &printed.proxy.text);
    assert_eq!(server.types("curl http://127.0.0.1:8080/readyz", &[]), READY);
    assert!(coordinator.log().contains(&format!("https://{NAME}")), "{}", coordinator.log());
    stop(coordinator);
}

#[test]
fn a_coordinator_on_postgresql_is_as_it_is_printed() {
    let printed = printed();
    let host = NetNs::new();
    let _router = home(&[&host]);
    let pi = Machine::start(&host, "pi");
    pi.install_wonder();
    pi.types("install -d -o postgres -g postgres /run/postgresql", &[]);
    let _postgres = pi.begin(POSTGRES);
    wait_until("PostgreSQL answers", 3 * SOON, || {
        pi.types("sudo -u postgres pg_isready || true", &[]).contains("accepting connections")
    });
    pi.types(&printed.role.text, &[]);
    let coordinator = serve(&pi, &printed.postgres.text);
    let database = line(&printed.postgres.text, "wonder serve").trim_start_matches("wonder serve");
    does_not_start(&pi, &format!("wonder serve --listen :9090 --no-derp --data-dir ~/another{database}"), 2);
    pi.types(&format!("wonder user create ada@example.org{database}"), &QUESTIONS[..2]);
    join(&pi, URL);
    pi.types(&printed.dump.text, &[]);
    pi.types("wonder node remove pi --yes", &[]);
    stop(coordinator);
    pi.types(&printed.restore_dump.text, &[]);
    let _coordinator = serve(&pi, &printed.postgres.text);
    assert!(line(&pi.types("wonder node list", &[]), "pi").contains("100.64.0.1"));
}
