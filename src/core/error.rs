//! The one error type. It says what the caller can do next; HTTP status and exit code follow from its
//! [`Kind`], here and nowhere else.

use std::fmt;

use super::allowance::Reached;

/// Shorthand used on every floor.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure it was: the one place from which HTTP status and exit code are derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The input is malformed; the same call can never succeed.
    Usage,
    /// Nobody is logged in, or the credentials are wrong or over.
    Unauthenticated,
    /// Known, but not allowed.
    Denied,
    /// It does not exist, or the caller may not know that it does.
    NotFound,
    /// It contradicts what is already there.
    Conflict,
    /// The body is larger than the limit.
    TooLarge,
    /// Too many attempts; try later.
    RateLimited,
    /// Part of the protocol, but not supported (yet).
    Unsupported,
    /// A peer (coordinator, database, tailscaled) cannot be reached now.
    Unavailable,
    /// This machine failed: data directory, port, disk, corrupt database.
    Local,
    /// A defect of ours.
    Bug,
}

impl Kind {
    /// The HTTP status (RFC 9110).
    pub const fn status(self) -> u16 {
        match self {
            Kind::Usage => 400,
            Kind::Unauthenticated => 401,
            Kind::Denied => 403,
            Kind::NotFound => 404,
            Kind::Conflict => 409,
            Kind::TooLarge => 413,
            Kind::RateLimited => 429,
            Kind::Unsupported => 501,
            Kind::Unavailable => 503,
            Kind::Local | Kind::Bug => 500,
        }
    }

    /// The process exit code of the command line contract.
    pub const fn exit_code(self) -> u8 {
        match self {
            Kind::Local => 1,
            Kind::Usage | Kind::TooLarge => 2,
            Kind::Unauthenticated => 3,
            Kind::Denied => 4,
            Kind::NotFound => 5,
            Kind::Conflict => 6,
            Kind::Unavailable | Kind::RateLimited => 7,
            Kind::Unsupported | Kind::Bug => 70,
        }
    }

    /// The kind that an HTTP status stands for: how a client reads an answer.
    pub const fn from_status(status: u16) -> Kind {
        match status {
            400 | 405 | 406 | 415 | 422 => Kind::Usage,
            401 => Kind::Unauthenticated,
            403 => Kind::Denied,
            404 | 410 => Kind::NotFound,
            409 | 412 => Kind::Conflict,
            413 => Kind::TooLarge,
            429 => Kind::RateLimited,
            501 => Kind::Unsupported,
            502..=504 => Kind::Unavailable,
            _ => Kind::Bug,
        }
    }
}

/// A failure: a stable code for programs, a sentence for people, and what to do next.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: Kind,
    code: String,
    message: String,
    hint: Option<String>,
    request_id: Option<String>,
    reached: Option<Reached>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// `code` is stable and in `snake_case`; `message` is one sentence without a full stop.
    pub fn new(kind: Kind, code: impl Into<String>, message: impl Into<String>) -> Self {
        Error(Box::new(Inner {
            kind,
            code: code.into(),
            message: message.into(),
            hint: None,
            request_id: None,
            reached: None,
            source: None,
        }))
    }

    /// What the reader can do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// The failure underneath. It goes to the log, never to the caller.
    #[must_use]
    pub fn source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The request that the coordinator's log knows it by.
    #[must_use]
    pub fn request_id(mut self, id: impl Into<String>) -> Self {
        self.0.request_id = Some(id.into());
        self
    }

    /// Malformed input.
    pub fn usage(code: &str, message: impl Into<String>) -> Self {
        Error::new(Kind::Usage, code, message)
    }

    /// It is not there, or not for this caller to know.
    pub fn not_found(noun: &str, name: impl fmt::Display) -> Self {
        Error::new(Kind::NotFound, format!("{noun}_not_found"), format!("no {noun} {name} here"))
            .hint(format!("`wonder {noun} list` shows what there is"))
    }

    /// A limit was reached.
    pub fn too_many(reached: Reached) -> Self {
        let mut error = Error::new(Kind::RateLimited, "too_many_attempts", "too many attempts")
            .hint(format!("try again in {} s", reached.seconds()));
        error.0.reached = Some(reached);
        error
    }

    /// A defect of ours; `what` names the broken expectation.
    pub fn bug(what: impl Into<String>) -> Self {
        Error::new(Kind::Bug, "internal", what).hint("please report it, with the log of the coordinator")
    }

    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    pub fn code(&self) -> &str {
        &self.0.code
    }

    pub fn message(&self) -> &str {
        &self.0.message
    }

    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    pub fn request_id_text(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The limit, where one was reached.
    pub fn reached(&self) -> Option<&Reached> {
        self.0.reached.as_ref()
    }

    pub fn exit_code(&self) -> u8 {
        self.0.kind.exit_code()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|e| e as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_survives_the_way_over_http() {
        use Kind::*;
        for kind in [
            Usage,
            Unauthenticated,
            Denied,
            NotFound,
            Conflict,
            TooLarge,
            RateLimited,
            Unsupported,
            Unavailable,
        ] {
            assert_eq!(Kind::from_status(kind.status()), kind);
        }
    }

    #[test]
    fn exit_codes_are_those_of_the_contract() {
        let codes = [(Kind::Local, 1), (Kind::Usage, 2), (Kind::Unauthenticated, 3), (Kind::Denied, 4)];
        let more = [(Kind::NotFound, 5), (Kind::Conflict, 6), (Kind::Unavailable, 7), (Kind::Bug, 70)];
        for (kind, code) in codes.into_iter().chain(more) {
            assert_eq!(kind.exit_code(), code);
        }
    }
}
