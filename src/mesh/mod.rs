//! Mesh backends: what turns "this realm, this node" into packets that flow. `service` calls them; the
//! built-in one is [`native`]. They know neither HTTP routes nor SQL.

pub mod native;
