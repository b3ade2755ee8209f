//! What the stories share.

pub mod database;
pub mod postgres;
