//! What the stories share.

pub mod postgres;
