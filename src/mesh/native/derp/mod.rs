//! The relay: carries packets between nodes of one realm that have no direct path (DERP).
