//! Stories of the server, told over real sockets.

mod contract;
mod door;
