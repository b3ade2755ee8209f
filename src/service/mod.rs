//! Use cases: one function each, one file a noun. The only place that opens a transaction and writes the
//! audit trail.

pub mod join;
