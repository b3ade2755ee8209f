//! The coordinator over HTTP. Extracts, checks authority, calls `service`, answers; no SQL, no rules.
