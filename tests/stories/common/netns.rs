//! Network namespaces of a test's own: hosts that reach each other by the links that the test lays, and
//! nothing else. They need root.

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::File;
use std::os::fd::AsFd as _;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A named network namespace with `lo` up; deleted when dropped, with every link that ends in it.
pub struct NetNs {
    name: String,
}

impl NetNs {
    pub fn new() -> NetNs {
        assert!(
            rustix::process::geteuid().is_root(),
            "network namespaces need root: run the tests with sudo"
        );
        let name = format!("wonder-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        ip(&["netns", "add", &name]);
        let namespace = NetNs { name };
        namespace.ip(&["link", "set", "lo", "up"]);
        namespace
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// `program`, to be run inside.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        command_in(&self.name, program)
    }

    /// Runs `work` on a thread inside: the sockets that it makes are of this namespace.
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let namespace = File::open(format!("/run/netns/{}", self.name)).expect("a namespace has a file");
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
                work()
            });
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Passes on what is not for itself, as a router does.
    pub fn forward(&self) {
        let enable =
            "echo 1 >/proc/sys/net/ipv4/ip_forward && echo 1 >/proc/sys/net/ipv6/conf/all/forwarding";
        self.succeed("sh", &["-c", enable]);
    }

    /// A program that must end well; a panic with its words if it does not.
    pub fn succeed(&self, program: &str, args: &[&str]) {
        let output = self.command(program).args(args).output().unwrap();
        assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Lays a link from here to `other` (a veth pair); the addresses are CIDRs ("10.9.0.1/30", "fd09::1/64"),
    /// of IPv4, IPv6 or both with a comma between.
    pub fn link(&self, own: &str, other: &NetNs, others: &str) {
        // 15 bytes at most for an interface's name.
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let (near, far) = (format!("wa{number}"), format!("wb{number}"));
        self.ip(&["link", "add", &near, "type", "veth", "peer", "name", &far, "netns", &other.name]);
        self.bring_up(&near, own);
        other.bring_up(&far, others);
    }

    /// Sends everything that has no better route to `gateway`.
    pub fn default_route(&self, gateway: &str) {
        self.ip(&["route", "add", "default", "via", gateway]);
    }

    /// `ip` with these arguments, inside; a panic with its words if it fails.
    pub fn ip(&self, args: &[&str]) {
        let mut all = vec!["-n", self.name.as_str()];
        all.extend(args);
        ip(&all);
    }

    fn bring_up(&self, interface: &str, cidrs: &str) {
        for cidr in cidrs.split(',') {
            // Without a wait for somebody else who has the address: there is nobody.
            let nodad = if cidr.contains(':') { &["nodad"][..] } else { &[] };
            self.ip(&[&["addr", "add", cidr, "dev", interface], nodad].concat());
        }
        self.ip(&["link", "set", interface, "up"]);
    }
}

impl Drop for NetNs {
    fn drop(&mut self) {
        // A panic here would hide the one that is on its way.
        let _ = Command::new("ip").args(["netns", "delete", &self.name]).output();
    }
}

/// `program`, to be run in the namespace of this name. `ip` becomes the program: its pid is the program's.
pub fn command_in(namespace: &str, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", namespace]).arg(program);
    command
}

fn ip(args: &[&str]) {
    let output = Command::new("ip").args(args).output().expect("ip is there: run scripts/install-peers");
    assert!(output.status.success(), "ip {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}
