//! What shows who somebody is beside a password, as far as it needs nothing but its input. `service::factor` is
//! the caller.

pub mod passkey;
pub mod recovery;
pub mod totp;
