//! What a realm is called: the DNS label under which its nodes' names stand.

use super::hex;
use super::name::Hostname;
use super::secret::random_bytes;
use super::user::Email;

/// How many plain numbers are tried before a random one.
const NUMBERED: u32 = 20;

/// Labels for a person's own realm, as [`labels_like`] their name in front of the `@`.
pub fn labels_for(email: &Email) -> impl Iterator<Item = Hostname> + use<> {
    labels_like(email.local_part())
}

/// Labels for a realm, best first and without end: `alice`, `alice-1` …, `alice-20`, then ones that nobody has.
pub fn labels_like(name: &str) -> impl Iterator<Item = Hostname> + use<> {
    let base = Hostname::adapt(name).or_else(|| Hostname::adapt("realm"));
    let numbered = (1..=NUMBERED).map(|n| n.to_string());
    let random = std::iter::repeat_with(|| hex::encode(&random_bytes::<5>()));
    let plain = base.clone().into_iter();
    let suffixed = numbered.chain(random).filter_map(move |suffix| with_suffix(base.as_ref()?, &suffix));
    plain.chain(suffixed)
}

/// `label-suffix`, shortened so that it stays one DNS label.
fn with_suffix(label: &Hostname, suffix: &str) -> Option<Hostname> {
    let room = 62 - suffix.len();
    let head = label.as_str().get(..room).unwrap_or(label.as_str());
    Hostname::adapt(&format!("{head}-{suffix}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(email: &str, count: usize) -> Vec<String> {
        labels_for(&email.parse().unwrap()).take(count).map(|label| label.to_string()).collect()
    }

    #[test]
    fn a_realm_is_called_after_its_owner() {
        assert_eq!(labels("alice@example.org", 3), ["alice", "alice-1", "alice-2"]);
        assert_eq!(labels("Ada.Lovelace+pi@example.org", 1), ["ada-lovelace-pi"]);
        assert_eq!(labels("鍵@example.org", 2), ["realm", "realm-1"]);
    }

    proptest! {
        #[test]
        fn labels_never_run_out_and_never_repeat(local in "[a-zA-Z0-9._+-]{1,64}") {
            let labels = labels(&format!("{local}@example.org"), 40);
            prop_assert_eq!(labels.len(), 40);
            let distinct: std::collections::HashSet<_> = labels.iter().collect();
            prop_assert_eq!(distinct.len(), 40);
            for label in &labels {
                prop_assert!(label.parse::<Hostname>().is_ok());
            }
        }
    }
}
