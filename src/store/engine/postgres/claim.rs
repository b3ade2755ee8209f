//! The claim of the one coordinator that runs on a database: an advisory lock of PostgreSQL's, which a connection of
//! its own holds. The server drops it with that connection, however the process ends. A thread of its own watches
//! over it, and takes it again when the server has been away; writers ask it before they use a new connection.
//! Whoever migrates holds it too, for as long as that takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, channel, sync_channel};
use std::time::{Duration, Instant};

use postgres::Client;
use tokio::sync::watch;

use super::super::unavailable;
use super::session::Server;
use super::{MIGRATION_PATIENCE, OPEN_PATIENCE, PATIENCE, Settings, error};
use crate::core::{Error, Kind, Result};
use crate::store::engine::{Purpose, turn};
use crate::store::migrate;

/// How often the thread looks whether its connection lives, when nobody asks.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// A connection that says nothing for this long is dead.
const DEAD: Duration = Duration::from_secs(4);
/// How long our own connection of before may hold the lock, when the network was away. Longer than the server takes
/// to notice that it is gone (`session::LIMITS`).
const GIVE_UP: Duration = Duration::from_secs(25);
/// Writers that may wait for an answer: all there are.
const QUESTIONS: usize = super::WRITERS;

/// Takes the lock if it is free. Its key: any constant of our own, and the schema; the server adds the database.
const TAKE: &str = "SELECT pg_try_advisory_lock(2003791460, hashtext(coalesce(current_schema()::text, '')))";
/// What the holder of the lock with the same key calls itself, as far as this user may see it.
const HOLDER: &str = "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid \
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.classid = 2003791460 \
    AND l.objid = hashtext(coalesce(current_schema()::text, ''))::oid \
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())";
/// What the connection that holds the lock is called begins so.
const NAME: &str = "wonder, ";
/// The server cuts longer names off.
const LONGEST_NAME: usize = 63;

/// The claim, as those who write see it. Cheap to clone; given up when the last clone goes.
#[derive(Clone)]
pub(super) struct Claim {
    stands: Arc<AtomicBool>,
    questions: SyncSender<SyncSender<Result<()>>>,
    lost: watch::Receiver<Option<String>>,
}

impl Claim {
    /// Whether the claim stood when it was last looked at. Costs nothing.
    pub fn stands(&self) -> bool {
        self.stands.load(Ordering::Acquire)
    }

    /// Sees that the claim stands now, and takes it again if need be. Blocks, at most as long as a caller waits.
    pub fn confirm(&self) -> Result<()> {
        let (answer, answered) = sync_channel(1);
        let away = || unavailable("the database is being taken again");
        self.questions.try_send(answer).map_err(|_| away())?;
        answered.recv_timeout(PATIENCE).unwrap_or_else(|_| Err(away()))
    }

    /// Waits until another coordinator has taken the database.
    pub async fn lost(&self) -> Error {
        let mut lost = self.lost.clone();
        let refused = lost.wait_for(Option::is_some).await.ok().and_then(|refused| refused.clone());
        refused.map_or_else(|| Error::bug("nobody watches over the database any more"), |r| in_use(&r))
    }
}

/// What the opening thread says on its way.
enum Step {
    Migrating,
    Ready,
}

/// Opens a database: looks at it, takes it for a coordinator, and brings its schema up to date under the lock. A
/// coordinator holds it from then on.
pub(super) fn open(settings: &Settings, purpose: Purpose) -> Result<Claim> {
    let name = name();
    let server = Server::new(settings.named(&name))?;
    let (questions, asked) = sync_channel(QUESTIONS);
    let (tell, lost) = watch::channel(None);
    let stands = Arc::new(AtomicBool::new(true));
    let mut keeper =
        Keeper { server, name, client: None, stands: Arc::clone(&stands), refused_since: None, lost: tell };
    let (say, said) = channel();
    // On a thread, for the client must not block the async ones. Whoever has lost patience hears nothing more.
    super::start_thread("database keeper", move || {
        let ready = keeper.prepare(purpose, || drop(say.send(Ok(Step::Migrating))));
        let keeps = ready.is_ok() && purpose == Purpose::Serve;
        if say.send(ready.map(|()| Step::Ready)).is_ok() && keeps {
            keeper.keep(&asked);
        }
    })?;
    let hear = |patience| {
        said.recv_timeout(patience).unwrap_or_else(|_| Err(unavailable("the database does not answer")))
    };
    if let Step::Migrating = hear(OPEN_PATIENCE)? {
        hear(MIGRATION_PATIENCE)?;
    }
    Ok(Claim { stands, questions, lost })
}

/// For whoever finds the database taken: where to look for the holder.
fn name() -> String {
    let system = rustix::system::uname();
    let mut name = format!("{NAME}process {} on {}", std::process::id(), system.nodename().to_string_lossy());
    name.retain(|c| c.is_ascii_graphic() || c == ' ');
    name.truncate(LONGEST_NAME);
    name
}

/// The thread's side of a claim.
struct Keeper {
    server: Server,
    name: String,
    /// Holds the lock.
    client: Option<Client>,
    stands: Arc<AtomicBool>,
    refused_since: Option<Instant>,
    lost: watch::Sender<Option<String>>,
}

impl Drop for Keeper {
    /// However the thread ends, the lock ends with it.
    fn drop(&mut self) {
        self.stands.store(false, Ordering::Release);
    }
}

impl Keeper {
    fn prepare(&mut self, purpose: Purpose, migrating: impl FnOnce()) -> Result<()> {
        let mut client = self.server.connect()?;
        let mut migrating = Some(migrating);
        let is_behind = |client: &mut Client| {
            let is_behind = migrate::postgres_is_behind(client, &self.server.to_string())?;
            if is_behind && let Some(say) = migrating.take() {
                say();
            }
            Ok(is_behind)
        };
        let take = |client: &mut Client| match try_lock(client)? {
            true => Ok(Ok(())),
            false => Ok(Err(in_use(&self.taken_by(&holder(client)?)))),
        };
        if turn::wait(&mut client, purpose, is_behind, take)?.is_behind {
            self.server.migrate(&mut client)?;
        }
        self.client = Some(client);
        Ok(())
    }

    /// Keeps the claim until nobody is left who would write.
    fn keep(&mut self, asked: &Receiver<SyncSender<Result<()>>>) {
        loop {
            match asked.recv_timeout(LOOK_AGAIN) {
                // Who asked may have gone.
                Ok(asker) => drop(asker.send(self.confirm())),
                Err(RecvTimeoutError::Timeout) => drop(self.confirm()),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn confirm(&mut self) -> Result<()> {
        if self.client.as_mut().is_some_and(|client| client.is_valid(DEAD).is_ok()) {
            return Ok(());
        }
        self.stands.store(false, Ordering::Release);
        self.client = None;
        self.take_again()?;
        self.stands.store(true, Ordering::Release);
        Ok(())
    }

    fn take_again(&mut self) -> Result<()> {
        let mut client = self.server.connect_or_pause()?;
        let Some(holder) = lock(&mut client)? else {
            tracing::info!(database = %self.server, "the database is taken again");
            (self.client, self.refused_since) = (Some(client), None);
            return Ok(());
        };
        let (refused, since) = (self.taken_by(&holder), self.refused_since.get_or_insert_with(Instant::now));
        let is_our_own = holder == self.name && since.elapsed() < GIVE_UP;
        if !is_our_own && self.lost.borrow().is_none() {
            tracing::error!("{refused}: nothing more is written here, and this one stops");
            self.lost.send_replace(Some(refused.clone()));
        }
        Err(unavailable(refused))
    }

    fn taken_by(&self, holder: &str) -> String {
        let who = holder.strip_prefix(NAME).map(|who| format!(" ({who})")).unwrap_or_default();
        format!("another coordinator{who} uses the database {}", self.server)
    }
}

/// Takes the lock for this connection, or tells what its holder calls itself.
fn lock(client: &mut Client) -> Result<Option<String>> {
    let deadline = Instant::now() + turn::PATIENCE;
    while !try_lock(client)? {
        if Instant::now() > deadline {
            return holder(client).map(Some);
        }
        std::thread::sleep(turn::PAUSE);
    }
    Ok(None)
}

fn try_lock(client: &mut Client) -> Result<bool> {
    client.query_one(TAKE, &[]).and_then(|row| row.try_get(0)).map_err(error::at_run_time)
}

/// What the holder of the lock calls itself; another user's connection does not show its name.
fn holder(client: &mut Client) -> Result<String> {
    let holder = client.query_opt(HOLDER, &[]).map_err(error::at_run_time)?;
    Ok(holder.and_then(|row| row.try_get(0).ok()).unwrap_or_default())
}

fn in_use(refused: &str) -> Error {
    Error::new(Kind::Local, "database_in_use", refused).hint(
        "stop it first, or give this one a database of its own; if its host is gone, wait for 20 seconds",
    )
}
