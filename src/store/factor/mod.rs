//! What accounts have beside a password, and the log-ins that wait for it. Of every code the hash alone is here.

pub mod challenge;
pub mod half_log_in;
pub mod passkey;
pub mod recovery_code;
pub mod totp;
