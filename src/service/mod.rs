//! Use cases: one function each, one file a noun. The only place that opens a transaction and writes the
//! audit trail.

pub mod administrator;
pub mod app;
pub mod approval;
pub mod audit;
pub mod authority;
pub mod chain;
pub mod deployer;
pub mod device;
mod enrolment;
pub mod factor;
pub mod health;
pub mod identity;
pub mod invitation;
pub mod join;
pub mod key;
pub mod key_ring;
pub mod last_start;
pub mod limits;
pub mod mail;
pub mod member;
pub mod mesh;
pub mod node;
pub mod oauth;
pub mod oidc;
pub mod organization;
mod realm;
mod refusal;
mod relay;
mod sealed;
pub mod session;
pub mod setup;
pub mod token;
pub mod user;
pub mod ways;
mod words;
pub mod worker;
