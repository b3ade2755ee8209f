//! One thread's way to the server: connects when there is work, and pauses after a failure so that a server
//! that is away costs its callers nothing but a quick answer.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use postgres::Client;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::super::queue::Job;
use super::super::unavailable;
use super::claim::Claim;
use super::connection::Connection;
use super::{Settings, error, tls};
use crate::core::Result;
use crate::store::migrate;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Each statement ends before its caller stops waiting. A lost coordinator's locks go soon: the server ends a
/// connection whose host has not answered for 20 seconds, whether it is idle or has been sent something.
const LIMITS: &str = "SET statement_timeout = '4s'; SET lock_timeout = '3s'; \
    SET idle_in_transaction_session_timeout = '20s'; \
    SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 2; \
    SET tcp_user_timeout = '20s'";

/// A migration may take as long as it needs.
const NO_LIMITS: &str = "SET statement_timeout = 0; SET lock_timeout = '60s'";

/// The server, shared by all sessions.
pub(super) struct Server {
    settings: Settings,
    tls: MakeRustlsConnect,
    pause: Mutex<Pause>,
}

/// After a failed connection nobody tries again before `until`.
#[derive(Default)]
struct Pause {
    until: Option<Instant>,
    length: Duration,
}

impl Server {
    pub fn new(settings: Settings) -> Result<Server> {
        let tls = tls::connector(&settings.trust)?;
        Ok(Server { settings, tls, pause: Mutex::default() })
    }

    /// A new connection. Blocks; never call it on an async thread.
    pub fn connect(&self) -> Result<Client> {
        let connected = self.settings.config.connect(self.tls.clone()).and_then(|mut client| {
            client.batch_execute(LIMITS)?;
            Ok(client)
        });
        connected.map_err(|e| error::on_connect(self, e))
    }

    /// A new connection, unless the last attempt has only just failed.
    pub fn connect_or_pause(&self) -> Result<Client> {
        if self.pause().until.is_some_and(|until| Instant::now() < until) {
            return Err(unavailable("the database is away"));
        }
        let connected = self.connect();
        let mut pause = self.pause();
        match &connected {
            Ok(_) => *pause = Pause::default(),
            Err(e) => {
                tracing::warn!(database = %self, error = %e, "the database is away");
                pause.length = (pause.length * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
                pause.until = Some(Instant::now() + pause.length);
            }
        }
        connected
    }

    fn pause(&self) -> std::sync::MutexGuard<'_, Pause> {
        self.pause.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs the migrations, by a connection that holds the database.
    pub fn migrate(&self, client: &mut Client) -> Result<()> {
        client.batch_execute(NO_LIMITS).map_err(error::at_run_time)?;
        migrate::postgres(client, &self.to_string())?;
        client.batch_execute(LIMITS).map_err(error::at_run_time)
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings.fmt(f)
    }
}

/// One thread's connection, when there is one.
pub(super) struct Session {
    server: Arc<Server>,
    begin: &'static str,
    connection: Option<Connection>,
    /// What must stand whenever a coordinator writes.
    claim: Option<Claim>,
}

impl Session {
    /// `begin` is the statement that begins each transaction.
    pub fn new(server: Arc<Server>, begin: &'static str, claim: Option<Claim>) -> Self {
        Session { server, begin, connection: None, claim }
    }

    /// Runs `job` as one transaction.
    pub fn run(&mut self, job: &mut dyn Job) -> Result<()> {
        let mut connection = self.begin()?;
        let outcome = job.run(&mut connection);
        let ended = match outcome {
            Ok(()) => connection.batch("COMMIT"),
            Err(_) if connection.is_lost() => Ok(()),
            Err(_) => connection.batch("ROLLBACK"),
        };
        if !connection.is_lost() {
            self.connection = Some(connection);
        }
        outcome.and(ended)
    }

    /// A connection within a new transaction. An old connection may have died since it was used last;
    /// nothing has happened yet, so another one is made, and then the claim may be lost as well.
    fn begin(&mut self) -> Result<Connection> {
        let stands = self.claim.as_ref().is_none_or(Claim::stands);
        if let Some(mut connection) = self.connection.take().filter(|_| stands) {
            let begun = connection.batch(self.begin);
            if !connection.is_lost() {
                return begun.map(|()| connection);
            }
        }
        let mut connection = Connection::new(self.server.connect_or_pause()?);
        self.claim.as_ref().map_or(Ok(()), Claim::confirm)?;
        connection.batch(self.begin)?;
        Ok(connection)
    }
}
