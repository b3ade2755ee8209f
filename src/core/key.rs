//! The public keys of the coordination protocol (Tailscale's `types/key`): 32 bytes, printed as a prefix and
//! 64 hexadecimal digits. A key of one kind never stands where another is meant.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt::{self, Write as _};
use std::str::FromStr;

use super::{Error, Result, hex};

macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub [u8; 32]);

        impl $name {
            pub const PREFIX: &'static str = $prefix;

            pub fn from_slice(bytes: &[u8]) -> Result<Self> {
                bytes.try_into().map(Self).map_err(|_| malformed($prefix))
            }

            pub fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }

            /// The all-zero key, which clients send where they have none.
            pub fn is_zero(&self) -> bool {
                self.0 == [0; 32]
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                self.0.iter().flat_map(|byte| hex::digits(*byte)).try_for_each(|digit| f.write_char(digit))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                let digits = text.strip_prefix($prefix).ok_or_else(|| malformed($prefix))?;
                hex::decode(digits).map(Self).ok_or_else(|| malformed($prefix))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

keys! {
    /// A device's own key, which ends its Noise connection with the coordinator.
    MachineKey = "mkey:";
    /// A node's WireGuard key; it changes at re-authentication.
    NodeKey = "nodekey:";
    /// A node's key for path discovery; it changes at every start of the client.
    DiscoKey = "discokey:";
}

fn malformed(prefix: &str) -> Error {
    Error::usage("malformed_key", format!("not a key: {prefix} and 64 hexadecimal digits were expected"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_print_with_their_prefix_and_read_back() {
        let key = NodeKey([0xa5; 32]);
        assert_eq!(key.to_string(), format!("nodekey:{}", "a5".repeat(32)));
        assert_eq!(key.to_string().parse::<NodeKey>().unwrap(), key);
        assert!(key.to_string().parse::<MachineKey>().is_err());
        assert!("nodekey:a5".parse::<NodeKey>().is_err());
        assert!(NodeKey::default().is_zero());
    }
}
