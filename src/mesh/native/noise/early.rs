//! What the coordinator may say inside the transport before HTTP/2 begins.

use crate::core::key::ChallengeKey;

/// Cannot begin an HTTP/2 frame: its length would be larger than any SETTINGS frame.
const MAGIC: &[u8; 5] = b"\xff\xff\xffTS";

/// The early payload: magic, big-endian length, JSON with the key of the challenge (Tailscale's
/// `control/ts2021` and `tailcfg.EarlyNoise`). Written to the stream before the first byte of HTTP/2.
pub fn early_payload(challenge: &ChallengeKey) -> Vec<u8> {
    let json = serde_json::json!({ "nodeKeyChallenge": challenge }).to_string();
    let length = u32::try_from(json.len()).unwrap_or(u32::MAX);
    [&MAGIC[..], &length.to_be_bytes(), json.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_magic_length_and_challenge() {
        let payload = early_payload(&ChallengeKey([0xa5; 32]));
        let json = format!("{{\"nodeKeyChallenge\":\"chalpub:{}\"}}", "a5".repeat(32));
        assert_eq!(&payload[..9], b"\xff\xff\xffTS\x00\x00\x00\x5f");
        assert_eq!(&payload[9..], json.as_bytes());
        assert_eq!(json.len(), 0x5f);
    }
}
