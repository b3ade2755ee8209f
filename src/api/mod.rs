//! Request and response types of `/api/v1`, used by `client` and `server` alike. No behaviour.
