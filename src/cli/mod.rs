//! The command line: one file a noun. Parses, asks, calls `client` or `service`, prints through `ui`.
