//! A state file of tailscaled in which a log-in already stands: what a device has that joined some
//! coordinator earlier (Go: `ipn/store.FileStore`, `ipn.Prefs`, `types/persist.Persist`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The profile's id in [`logged_in_to`].
pub const PROFILE: &str = "ab12";

/// A device that is logged in to the coordinator at `control_url`, with keys made up here.
pub fn logged_in_to(control_url: &str) -> Vec<u8> {
    file(control_url, true)
}

/// A device that was logged out while its coordinator was down: the key is kept.
pub fn logged_out_of(control_url: &str) -> Vec<u8> {
    file(control_url, false)
}

fn file(control_url: &str, logged_in: bool) -> Vec<u8> {
    let user = json!({"ID": 7, "LoginName": "ann@example.com", "DisplayName": "Ann"});
    let profile = json!({
        "ID": PROFILE, "Name": "ann@example.com", "Key": format!("profile-{PROFILE}"), "NodeID": "nEarlier1",
        "ControlURL": control_url, "UserProfile": user,
        "NetworkProfile": {"MagicDNSName": "earlier.example", "DomainName": "earlier.example"},
    });
    let prefs = json!({
        "ControlURL": control_url, "WantRunning": logged_in, "LoggedOut": !logged_in, "CorpDNS": true, "NetfilterMode": 2,
        "Hostname": "earlier",
        "Config": {
            "PrivateNodeKey": private_key("privkey:", 1), "OldPrivateNodeKey": format!("privkey:{}", "0".repeat(64)),
            "NetworkLockKey": private_key("nlpriv:", 2), "UserProfile": user, "NodeID": "nEarlier1",
        },
    });
    let entries = json!({
        "_machinekey": STANDARD.encode(private_key("privkey:", 3)),
        "_current-profile": STANDARD.encode(format!("profile-{PROFILE}")),
        "_profiles": encoded(&json!({PROFILE: profile})),
        format!("profile-{PROFILE}"): encoded(&prefs),
    });
    entries.to_string().into_bytes()
}

fn encoded(value: &Value) -> String {
    STANDARD.encode(value.to_string())
}

/// A clamped Curve25519 scalar, as Go prints it; for the tailnet-lock key twice 32 bytes.
fn private_key(prefix: &str, seed: u8) -> String {
    let mut hex = format!("{seed:02x}").repeat(31);
    hex.replace_range(0..2, "08");
    let scalar = format!("{hex}41");
    if prefix == "nlpriv:" { format!("{prefix}{scalar}{scalar}") } else { format!("{prefix}{scalar}") }
}
