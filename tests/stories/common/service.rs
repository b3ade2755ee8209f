//! `wonder` as a service of a machine, where a test has no service manager: a stand-in for `systemctl` starts what the
//! installed unit says, as the user it names.

use std::process::Command;

use super::machine::Machine;
use super::mesh::SOON;
use super::wait::wait_until;

/// A process that has ended may stay in the table, but has no program any more.
const SYSTEMCTL: &str = r#"#!/bin/bash -eu
of() { sed -n "s/^$1=//p" /etc/systemd/system/wonder.service; }
start() {
    install -d -o "$(of User)" -g "$(of Group)" -m "$(of StateDirectoryMode)" "/var/lib/$(of StateDirectory)"
    trap '' HUP # The terminal may close before the service has left it.
    setsid setpriv --reuid "$(of User)" --regid "$(of Group)" --clear-groups \
        env "$(of Environment)" $(of ExecStart) >>"$HOME/log" 2>&1 </dev/null &
    echo $! >"$HOME/pid"
}
stop() {
    kill "$(<"$HOME/pid")" 2>/dev/null || return 0
    for _ in {1..150}; do
        [ -e "/proc/$(<"$HOME/pid")/exe" ] || return 0
        sleep 0.1
    done
    return 1
}
case "$*" in
'enable --now wonder' | 'start wonder') start ;;
'stop wonder') stop ;;
'restart wonder') stop && start ;;
*) exit 1 ;;
esac
"#;

/// The service that a person installs on the machine; dropped, it is ended.
pub struct Service<'a>(&'a Machine<'a>);

impl<'a> Service<'a> {
    /// A machine on which one can be installed.
    pub fn installable(machine: &'a Machine<'a>) -> Service<'a> {
        machine.program("systemctl", SYSTEMCTL);
        Service(machine)
    }

    /// Waits until it has come to listen for this many times.
    pub fn wait_until_listening(&self, times: usize) {
        wait_until("the service listens", SOON, || self.log().matches("listening on").count() == times);
    }

    /// All that it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.0.path("home/log")).unwrap_or_default()
    }
}

impl Drop for Service<'_> {
    fn drop(&mut self) {
        if let Ok(pid) = std::fs::read_to_string(self.0.path("home/pid")) {
            let _ = Command::new("kill").arg(pid.trim()).status();
        }
    }
}
