//! What PostgreSQL's failures mean to the caller and to whoever runs the coordinator.
//! Codes: PostgreSQL manual, appendix A.

use std::error::Error as _;
use std::io;

use super::super::{conflict, unavailable};
use super::session::Server;
use crate::core::{Error, Kind};

/// A failure of a statement.
pub(super) fn at_run_time(failure: postgres::Error) -> Error {
    let error = match failure.code() {
        Some(state) => of_state(state.code()),
        None if is_of_the_line(&failure) => {
            unavailable("the connection to the database was lost; it may or may not have done this")
        }
        None => Error::bug("a database statement does not fit its values"),
    };
    error.source(failure)
}

fn of_state(state: &str) -> Error {
    match state {
        "23505" => conflict("unique_violation"),
        "23503" => conflict("foreign_key_violation"),
        "23514" => conflict("check_violation"),
        "22021" | "22P05" => Error::usage("malformed_text", "a text holds a character that cannot be kept"),
        "40001" | "40P01" | "55P03" => unavailable("others changed the same at the same time"),
        "57014" => unavailable("the database took too long"),
        "25006" => Error::new(Kind::Unavailable, "database_read_only", "the database takes no writes now")
            .hint("it is a replica, or being taken over: name the primary in --database"),
        "53100" => Error::new(Kind::Unavailable, "disk_full", "no space is left for the database")
            .hint("free some space on the database server"),
        _ if is_of_the_server(state) => unavailable("the database is away"),
        _ => Error::bug("a database statement failed"),
    }
}

/// Connection exceptions, lack of resources, shutdown and start of the server.
fn is_of_the_server(state: &str) -> bool {
    state.starts_with("08") || state.starts_with("53") || state.starts_with("57P")
}

/// Whether the connection is of no more use after this failure.
pub(super) fn loses_the_connection(failure: &postgres::Error) -> bool {
    failure.code().map_or_else(|| is_of_the_line(failure), |state| is_of_the_server(state.code()))
}

fn is_of_the_line(failure: &postgres::Error) -> bool {
    failure.is_closed() || failure.source().is_some_and(|source| source.is::<io::Error>())
}

/// A failure to connect. One that waiting does not mend is this machine's to settle.
pub(super) fn on_connect(server: &Server, failure: postgres::Error) -> Error {
    let state = failure.code().map(|state| state.code().to_owned()).unwrap_or_default();
    let refused = ["28", "3D", "42"].iter().any(|class| state.starts_with(class));
    let error = match refused {
        true => Error::new(
            Kind::Local,
            "database_refused",
            format!("{server} refuses us: {}", failure.as_db_error().map_or("", |e| e.message())),
        )
        .hint("check user, password and name in the database URL"),
        false => unavailable(format!("cannot reach {server}")),
    };
    error.source(failure)
}
