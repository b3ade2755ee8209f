//! The HTTP API as typed calls, one file a noun.
