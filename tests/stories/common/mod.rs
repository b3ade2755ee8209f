//! The harness for stories with real parts: a real tailscaled, network namespaces, the built `wonder`. Each part
//! is a guard that ends what it started, by pid, when it is dropped. A missing part is a panic that says
//! how to get it, never a silent pass.
//!
//! A story declares namespaces first, then the coordinator, then the devices: guards drop in the reverse order.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a harness that cannot go on panics")]

pub mod apache;
pub mod api;
pub mod browser;
pub mod cast;
pub mod chromium;
pub mod compatibility;
pub mod coordinator;
pub mod database;
pub mod device;
pub mod dns;
pub mod echo;
pub mod fleet;
pub mod house;
pub mod internet;
pub mod keycloak;
pub mod machine;
pub mod mail;
pub mod mesh;
pub mod netns;
pub mod oauth;
pub mod oauth_peer;
pub mod oidc;
pub mod page;
pub mod passkey;
pub mod port;
pub mod postgres;
pub mod printed;
pub mod process;
pub mod relay;
pub mod routes;
pub mod rust_peer;
pub mod scanner;
pub mod service;
pub mod state;
pub mod strange;
pub mod tailscaled;
pub mod totp;
pub mod town;
pub mod tun;
pub mod wait;
pub mod wonder;
