//! `wonder`: a coordinator for private mesh networks, in one binary.
//!
//! The rooms, from top to bottom; a module imports only from rooms below its own
//! (`tests/layering.rs` reads the imports). ARCHITECTURE.md tells what lives where, and why.

pub mod cli;
pub mod ui;

pub mod server;
pub mod worker;

pub mod client;

pub mod api;

pub mod service;

pub mod mesh;

pub mod auth;

pub mod store;

pub mod config;

pub mod runtime;

pub mod core;
