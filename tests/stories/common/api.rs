//! A coordinator within the test program, on port 0, and calls to its API over real sockets.

use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use wonder::config::server::{Flags, Settings};
use wonder::core::Timestamp;
use wonder::runtime::{Clock, Supervisor};
use wonder::server::start;
use wonder::service::app::App;
use wonder::service::user::{self, NewUser, Operator};

use super::postgres;

pub const PASSWORD: &str = "correct horse battery";
/// When the clock of a story stands still.
pub const START: Timestamp = Timestamp::from_millis(1_900_000_000_000);

/// A running coordinator with a clock that the story moves.
pub struct Coordinator {
    pub app: App,
    pub clock: Clock,
    pub address: SocketAddr,
    pub setup_code: Option<String>,
    _directory: tempfile::TempDir,
    _server: Option<Arc<postgres::Server>>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    /// `null` when there is none.
    pub body: Value,
}

impl Answer {
    /// The status, and the code of the problem.
    pub fn problem(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or("no code"))
    }

    /// A member of the answer that is text.
    pub fn text(&self, name: &str) -> &str {
        self.body[name].as_str().unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }
}

impl Coordinator {
    pub async fn on_sqlite() -> Self {
        Self::start(None, None, "").await
    }

    /// On SQLite, with a settings file that says this.
    pub async fn with_settings(file: &str) -> Self {
        Self::start(None, None, file).await
    }

    /// The same on PostgreSQL.
    pub async fn on_postgres_with_settings(file: &str) -> Self {
        let server = postgres::Server::shared();
        let database = server.database();
        Self::start(Some(database), Some(server), file).await
    }

    async fn start(database: Option<String>, server: Option<Arc<postgres::Server>>, file: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("wonder.toml");
        std::fs::write(&config, file).unwrap();
        let flags = Flags {
            listen: Some("127.0.0.1:0".into()),
            data_dir: Some(directory.path().join("data")),
            database,
            config: Some(config),
            no_derp: true,
            ..Flags::default()
        };
        let clock = Clock::manual(START);
        let started = start::start(Settings::load(flags).unwrap(), clock.clone()).await.unwrap();
        let (connections, frame) = (Supervisor::new(), started.frame);
        connections.clone().spawn("listener", frame.listener.serve(frame.router, connections));
        Coordinator {
            app: started.app,
            clock,
            address: started.ready.listen,
            setup_code: started.ready.setup_code.map(|code| code.reveal().to_owned()),
            _directory: directory,
            _server: server,
        }
    }

    /// Moves the clock.
    pub fn later(&self, by: Duration) {
        self.clock.set(self.clock.now().plus(by));
    }

    /// One call on a connection of its own.
    pub async fn call(&self, method: &str, path: &str, bearer: Option<&str>, body: Option<Value>) -> Answer {
        let authorization = bearer.map(|b| format!("Authorization: Bearer {b}\r\n")).unwrap_or_default();
        let body = body.map(|b| b.to_string()).unwrap_or_default();
        let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{authorization}{kind}Content-Length: {}\r\n\r\n",
            body.len()
        );
        self.say(format!("{head}{body}").as_bytes()).await
    }

    /// Sends bytes and reads one answer, to the end of the connection.
    pub async fn say(&self, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // A server that has refused a body may close before it is all sent.
        let _ = stream.write_all(request).await;
        let mut bytes = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut bytes));
        let _ = read.await.expect("an answer in time");
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
        Answer { status, head: head.to_owned(), body: serde_json::from_str(body).unwrap_or(Value::Null) }
    }

    pub async fn get(&self, path: &str, bearer: &str) -> Answer {
        self.call("GET", path, Some(bearer), None).await
    }

    pub async fn post(&self, path: &str, bearer: &str, body: Value) -> Answer {
        self.call("POST", path, Some(bearer), Some(body)).await
    }

    /// Makes an account and logs in; gives the bearer token and the personal organization's id.
    pub async fn person(&self, email: &str) -> (String, String) {
        let new = NewUser {
            email: email.parse().unwrap(),
            password: wonder::core::secret::Secret::new(PASSWORD),
            admin: false,
        };
        user::create(&self.app, &Operator::local("test"), new).await.unwrap();
        let answer = self.begin_log_in(email).await;
        let org = answer.body["organization"]["id"].as_str().unwrap().to_owned();
        (answer.text("token").to_owned(), org)
    }

    /// By what people have logged in, as the audit trail says it, in the order of the alphabet.
    pub async fn ways_in(&self) -> Vec<String> {
        let sql = "SELECT target_name FROM audit_events WHERE action = 'session.create'";
        let rows = self.app.store().read(move |read| read.query(sql, &[])).await.unwrap();
        let names = rows.into_iter().map(|mut row| row.take::<String>(0).unwrap());
        let mut ways: Vec<_> =
            names.map(|name| name.rsplit_once(", by ").expect("a way").1.to_owned()).collect();
        ways.sort();
        ways
    }

    /// The bearer token of one more log-in of an account.
    pub async fn log_in(&self, email: &str) -> String {
        self.begin_log_in(email).await.text("token").to_owned()
    }

    async fn begin_log_in(&self, email: &str) -> Answer {
        let log_in = json!({ "email": email, "password": PASSWORD, "label": "a test" });
        let answer = self.call("POST", "/api/v1/sessions", None, Some(log_in)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer
    }
}

/// Each story runs on both engines; `with FILE:` on coordinators whose settings file says this.
#[macro_export]
macro_rules! coordinator_stories {
    (with $file:ident: $($story:ident)*) => {
        $crate::coordinator_stories!(@ (super::$file) $($story)*);
    };
    (@ ($file:expr) $($story:ident)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $story() {
                super::$story($crate::common::api::Coordinator::with_settings($file).await).await
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $story() {
                super::$story($crate::common::api::Coordinator::on_postgres_with_settings($file).await).await
            })*
        }
    };
    ($($story:ident)*) => {
        $crate::coordinator_stories!(@ ("") $($story)*);
    };
}
