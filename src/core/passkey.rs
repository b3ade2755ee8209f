//! A passkey as it is kept: what judges it made these bytes, and reads them.

/// What is known of a passkey beside its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// As its authenticator calls it.
    pub id: Vec<u8>,
    /// And what else never changes.
    pub public_key: Vec<u8>,
    /// The counter of its signatures, and what else changes with use.
    pub state: Vec<u8>,
    /// How browsers reach its authenticator.
    pub transports: u8,
}
