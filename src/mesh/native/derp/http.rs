//! What the relay's HTTP door says: pure helpers for `server::control`, which owns the routes.

use crate::core::key::NodeKey;

/// The relay protocol's version, as in the header and in the ServerInfo.
pub const VERSION: u32 = 2;

/// The headers of the 101 that answers `GET /derp` (Tailscale's `derp/derpserver/handler.go`).
pub fn upgrade_headers(key: &NodeKey) -> [(&'static str, String); 4] {
    let hex = key.to_string().split_off(NodeKey::PREFIX.len());
    [
        ("Upgrade", "DERP".to_owned()),
        ("Connection", "Upgrade".to_owned()),
        ("Derp-Version", VERSION.to_string()),
        ("Derp-Public-Key", hex),
    ]
}

/// The value of `X-Tailscale-Response` that `/generate_204` gives to an `X-Tailscale-Challenge`; `None` for a
/// challenge that is too long or holds other characters than challenges do.
pub fn challenge_response(challenge: &str) -> Option<String> {
    let plain = |c: u8| c.is_ascii_alphanumeric() || b".-_:".contains(&c);
    let sound = (1..=64).contains(&challenge.len()) && challenge.bytes().all(plain);
    sound.then(|| format!("response {challenge}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_echoed_if_it_is_one() {
        assert_eq!(challenge_response("ts_relay.example:1-2").unwrap(), "response ts_relay.example:1-2");
        for bad in ["", "a b", "a\r\nSet-Cookie: b", "ä", &"x".repeat(65)] {
            assert_eq!(challenge_response(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn the_key_stands_without_its_prefix() {
        assert_eq!(upgrade_headers(&NodeKey([0xa5; 32]))[3].1, "a5".repeat(32));
    }
}
