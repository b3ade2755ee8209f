//! OAuth 2.0: apps, what was granted to them, and the codes and tokens that came of it. Of every secret the
//! hash alone is here.

pub mod app;
pub mod code;
pub mod device;
pub mod family;
pub mod grant;
pub mod signing_key;
pub mod token;
