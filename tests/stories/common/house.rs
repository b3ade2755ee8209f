//! A coordinator without its network, for stories of people and their rights.

use std::time::Duration;

use wonder::core::id::OrgId;
use wonder::core::role::Role;
use wonder::core::secret::Secret;
use wonder::core::session::SessionKind;
use wonder::core::{Error, Result, Timestamp};
use wonder::runtime::{Clock, Supervisor};
use wonder::service::app::{App, Settings};
use wonder::service::audit::Origin;
use wonder::service::authority::Caller;
use wonder::service::session::{self, LogIn, LoggedIn};
use wonder::service::user::{self, NewUser, Operator};
use wonder::store::user::User;
use wonder::store::{Row, Store};

use super::database::Database;

pub const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
pub const PASSWORD: &str = "correct horse battery";

/// A coordinator without its network.
pub struct House {
    pub app: App,
    pub clock: Clock,
    _database: Database,
}

impl House {
    pub fn new(database: Database) -> House {
        let clock = Clock::manual(START);
        let settings = Settings::at("http://localhost:8080".parse().unwrap());
        let app = App::new(database.open(), clock.clone(), Supervisor::new(), settings);
        House { app, clock, _database: database }
    }

    pub fn store(&self) -> &Store {
        self.app.store()
    }

    pub async fn create(&self, email: &str) -> Result<User> {
        let new = NewUser { email: email.parse()?, password: Secret::new(PASSWORD), admin: false };
        user::create(&self.app, &operator(), new).await
    }

    pub async fn log_in(&self, email: &str) -> Result<LoggedIn> {
        self.log_in_with(email, PASSWORD, Origin::default()).await
    }

    pub async fn log_in_with(&self, email: &str, password: &str, origin: Origin) -> Result<LoggedIn> {
        let label = "wonder on laptop".into();
        let kind = SessionKind::Cli;
        let log_in = LogIn { kind, email: email.into(), password: Secret::new(password), label, code: None };
        session::log_in(&self.app, log_in, origin).await
    }

    pub async fn authenticate(&self, token: &Secret) -> Result<Caller> {
        session::authenticate(&self.app, token, Origin::default()).await
    }

    /// A new account that is logged in.
    pub async fn person(&self, email: &str) -> (Caller, LoggedIn) {
        self.create(email).await.unwrap();
        let logged_in = self.log_in(email).await.unwrap();
        (self.authenticate(&logged_in.token).await.unwrap(), logged_in)
    }

    pub async fn count(&self, sql: &'static str) -> i64 {
        self.store().read(move |r| r.first(sql, &[])?.unwrap().take(0)).await.unwrap()
    }

    pub async fn column(&self, sql: &'static str) -> Vec<String> {
        let rows: Vec<Row> = self.store().read(move |r| r.query(sql, &[])).await.unwrap();
        rows.into_iter().map(|mut row| row.take(0).unwrap()).collect()
    }

    pub async fn actions(&self) -> Vec<String> {
        self.column("SELECT action FROM audit_events ORDER BY action").await
    }

    pub async fn join(&self, org: OrgId, email: &'static str, role: Role) {
        self.store()
            .write(move |tx| {
                let user = wonder::store::user::by_email(tx, &email.parse()?)?.unwrap();
                wonder::store::organization::add_member(tx, org, user.id, role, START)
            })
            .await
            .unwrap();
    }
}

pub fn operator() -> Operator {
    Operator::local("root")
}

pub fn from(address: &str) -> Origin {
    Origin { address: Some(address.parse().unwrap()), request_id: Some("r1".into()) }
}

pub fn days(count: u64) -> Duration {
    Duration::from_secs(count * 86_400)
}

pub fn code<T>(result: Result<T>) -> String {
    result.err().map(|e: Error| e.code().to_owned()).unwrap_or_default()
}
