//! The protocol's JSON (`tailcfg`): requests as devices send them, and the answers that they read. Types and
//! their limits only; what the values mean is decided elsewhere.

mod answer;
mod fold;
mod node;
mod profile;
mod relay_map;
mod request;

pub use answer::{Debug, DnsConfig, FilterRule, Login, MapHead, RegisterAnswer, Resolver, User, filters};
pub use node::{PeerNode, PeerPatch, SelfNode, to_json};
pub use profile::Profile;
pub use relay_map::{RelayMaps, RelayNode};
pub use request::{MapRequest, RegisterRequest, Wish};
