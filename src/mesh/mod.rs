//! Mesh backends: what turns "this realm, this node" into packets that flow. `service` calls them; the
//! built-in one is [`native`]. They know neither HTTP routes nor SQL.

mod backend;
pub mod native;

pub use backend::{Counts, JoinCredential, JoinOptions, MeshBackend, MeshKind, MeshNode};
