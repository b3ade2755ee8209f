//! The name that this system has, as a node may bear it. Called by `join`.

use crate::core::name::Hostname;

/// The label to ask for where the system's own name is none ("My Pi", "küche"); none where tailscaled may use
/// the system's name as it is, and follow it when it changes.
pub fn adapted_system_name() -> Option<Hostname> {
    adapted(rustix::system::uname().nodename().to_str().unwrap_or_default())
}

/// A system's name may be a whole one ("pi.lan"): its first label counts, as for the coordinator.
fn adapted(nodename: &str) -> Option<Hostname> {
    let label = nodename.split('.').next().unwrap_or_default();
    match label.parse::<Hostname>() {
        Ok(_) => None,
        Err(_) => Hostname::adapt(label),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_that_is_no_label_is_adapted() {
        assert_eq!(adapted("pi"), None);
        assert_eq!(adapted("pi.lan"), None);
        assert_eq!(adapted("my_pi.lan").unwrap().as_str(), "my-pi");
    }
}
