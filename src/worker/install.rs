//! How tailscaled gets onto this system, and how it is started: what the errors about its absence say.

use std::path::Path;

/// The vendor's page, which every hint ends with.
const PAGE: &str = "https://tailscale.com/download";

/// Where programs live that may not be on an ordinary user's path.
const SYSTEM_DIRECTORIES: [&str; 3] = ["/usr/sbin", "/usr/local/sbin", "/sbin"];

/// What to do where no tailscaled has its socket.
pub fn hint() -> String {
    if is_installed() { start_hint() } else { install_hint(&os_release(), cfg!(target_os = "macos")) }
}

/// How to start the daemon.
pub fn start_hint() -> String {
    let command = if cfg!(target_os = "macos") {
        "sudo brew services start tailscale"
    } else if Path::new("/run/systemd/system").exists() {
        "sudo systemctl enable --now tailscaled"
    } else if Path::new("/sbin/openrc-run").exists() {
        "sudo rc-service tailscale start"
    } else {
        "sudo tailscaled"
    };
    format!("start it with `{command}`")
}

fn install_hint(os_release: &str, macos: bool) -> String {
    let command = if macos { Some("brew install tailscale") } else { package_command(os_release) };
    match command {
        Some(command) => format!("install it with `{command}`, or see {PAGE}"),
        None => format!("install it as told on {PAGE}"),
    }
}

/// The package manager's command, on the distributions that carry tailscale themselves. Debian and Ubuntu do not:
/// the vendor's script adds its repository there.
fn package_command(os_release: &str) -> Option<&'static str> {
    let value = |key: &str| {
        let line = os_release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.unwrap_or_default().trim_matches('"').to_owned()
    };
    let like = format!("{} {}", value("ID"), value("ID_LIKE"));
    like.split_whitespace().find_map(|id| match id {
        "debian" | "ubuntu" | "raspbian" => Some("curl -fsSL https://tailscale.com/install.sh | sh"),
        "fedora" => Some("sudo dnf install tailscale"),
        "arch" => Some("sudo pacman -S tailscale"),
        "alpine" => Some("sudo apk add tailscale"),
        _ => None,
    })
}

/// The text of os-release(5); empty where the system has none.
fn os_release() -> String {
    ["/etc/os-release", "/usr/lib/os-release"]
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok())
        .unwrap_or_default()
}

fn is_installed() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).any(|directory| directory.join("tailscaled").is_file());
    on_path || SYSTEM_DIRECTORIES.iter().any(|directory| Path::new(directory).join("tailscaled").is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_is_told_its_own_command() {
        let hint = |os_release: &str| install_hint(os_release, false);
        assert!(hint("NAME=Fedora\nID=fedora\n").contains("dnf install"));
        assert!(hint("ID=manjaro\nID_LIKE=arch\n").contains("pacman -S"));
        assert!(hint("ID=\"alpine\"").contains("apk add"));
        assert!(hint("ID=linuxmint\nID_LIKE=\"ubuntu debian\"").contains("install.sh"));
        assert_eq!(hint("ID=plan9"), format!("install it as told on {PAGE}"));
        assert!(install_hint("", true).contains("brew install"));
    }
}
