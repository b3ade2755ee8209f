//! The live side of the coordinator: the realms that run, and the devices that wait. What happens in the
//! realms by itself is written down here.

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

use super::app::App;
use super::approval::Waiters;
use super::node;
use super::realm::{Homes, Realms};
use super::relay::Admit;
use crate::core::id::{NodeId, NodeNumber};
use crate::core::key::NodeKey;
use crate::core::node::Report;
use crate::core::url::BaseUrl;
use crate::core::{Error, Kind, Result};
use crate::mesh::MeshBackend;
use crate::mesh::native::derp::{Admission as _, Limits, Relay, RelayKey, Stats};
use crate::mesh::native::realm::{Event, Settings, Surroundings, Unsaved};
use crate::mesh::native::{Native, Registry};
use crate::runtime::{Clock, Stop, Supervisor};
use crate::store::{self, Store};

/// Events that may wait to be written down.
const MOST_EVENTS: usize = 1024;
/// Reports are written together at most this often: a device says nothing that a lost second would harm.
const SAVE_EVERY: Duration = Duration::from_secs(1);
/// Ephemeral nodes that are deleted at the same time.
const MOST_FORGOTTEN: usize = 64;
/// Reports written in one transaction.
const MOST_REPORTS: usize = 500;
/// How long a coordinator that stops tries to write what is left: a database that was away a moment ago is left alone
/// for up to 2 s.
const LAST_TRIES: Duration = Duration::from_secs(3);
const BETWEEN_TRIES: Duration = Duration::from_millis(100);
/// Devices of which one transaction says that they are connected no more.
const MOST_LEAVING: i64 = 1_000;

/// Realms, relay and waiting devices.
pub struct Mesh {
    realms: Registry,
    backend: Native,
    waiters: Waiters,
    unsaved: Arc<Unsaved>,
    admission: Arc<Admit>,
    homes: Arc<Homes>,
    /// Set once, where this coordinator runs a relay.
    relay: OnceLock<Relay>,
    /// What realms tell, until [`run`] takes it.
    events: Mutex<Option<mpsc::Receiver<Event>>>,
}

impl Mesh {
    pub(super) fn new(
        store: &Store,
        url: &BaseUrl,
        settings: Settings,
        clock: Clock,
        supervisor: Supervisor,
    ) -> Self {
        let homes = Arc::<Homes>::default();
        let source = Realms { store: store.clone(), dns: settings.dns.clone(), homes: Arc::clone(&homes) };
        let (events, happened) = mpsc::channel(MOST_EVENTS);
        let unsaved = Arc::<Unsaved>::default();
        let around = Surroundings {
            settings: Arc::new(settings),
            clock: clock.clone(),
            supervisor,
            unsaved: Arc::clone(&unsaved),
            events,
        };
        let realms = Registry::new(Arc::new(source), around);
        let admission =
            Admit { store: store.clone(), clock, homes: Arc::clone(&homes), realms: realms.clone() };
        Mesh {
            backend: Native::new(realms.clone(), url.to_string()),
            realms,
            waiters: Waiters::default(),
            unsaved,
            admission: Arc::new(admission),
            homes,
            relay: OnceLock::new(),
            events: Mutex::new(Some(happened)),
        }
    }

    /// The mesh as what any backend is: this one is built in.
    pub fn backend(&self) -> &dyn MeshBackend {
        &self.backend
    }

    pub fn realms(&self) -> &Registry {
        &self.realms
    }

    pub(super) fn waiters(&self) -> &Waiters {
        &self.waiters
    }

    /// Makes the built-in relay with this key, and gives it to whoever serves its connections.
    pub fn start_relay(&self, key: RelayKey) -> Relay {
        let admission = Arc::<Admit>::clone(&self.admission);
        self.relay.get_or_init(|| Relay::new(key, admission, Limits::default())).clone()
    }

    /// What the relay has done; none where this coordinator runs none.
    pub fn relay_stats(&self) -> Option<Stats> {
        self.relay.get().map(Relay::stats)
    }

    pub(super) fn homes(&self) -> &Homes {
        &self.homes
    }

    /// This node key is over: the relay no longer carries for it.
    pub fn cut_off(&self, key: &NodeKey) {
        self.homes.remove(key);
        if let Some(relay) = self.relay.get() {
            relay.cut_off(key);
        }
    }

    /// Whether a relay may carry for the node with this key.
    pub async fn admits(&self, key: &NodeKey) -> bool {
        self.admission.admit(key).await.is_some()
    }
}

/// Starts what goes on in the background: ephemeral nodes are watched from the start, events and reports
/// are written down.
pub async fn run(app: &App) -> Result<()> {
    let events = app.mesh().events.lock().unwrap_or_else(PoisonError::into_inner).take();
    let events = events.ok_or_else(|| Error::bug("the mesh runs already"))?;
    // Some were connected when the coordinator died.
    if let Err(error) = leave(app).await {
        tracing::warn!(%error, "when devices were last seen is not written");
    }
    let realms = app.store().read(store::node::realms_with_ephemeral).await?;
    for realm in realms {
        app.mesh().realms().start(realm).await?;
    }
    let stop = || app.supervisor().stop_signal();
    app.supervisor().spawn("mesh events", write_events(app.clone(), events, stop()));
    app.supervisor().spawn("reports", write_reports(app.clone(), stop()));
    Ok(())
}

async fn write_events(app: App, mut events: mpsc::Receiver<Event>, mut stop: Stop) {
    let mut forgetting = FuturesUnordered::new();
    loop {
        tokio::select! {
            event = events.recv() => match event {
                // Of those for which there is no room, their realm speaks again.
                Some(Event::EphemeralGone(id)) if forgetting.len() < MOST_FORGOTTEN => {
                    forgetting.push(forget(&app, id));
                }
                Some(Event::EphemeralGone(_)) => {}
                Some(Event::KeyExpired(key)) => app.mesh().cut_off(&key),
                None => return,
            },
            Some(()) = forgetting.next(), if !forgetting.is_empty() => {}
            () = stop.wait() => return,
        }
    }
}

/// Deletes an ephemeral node; while the database is away its realm asks for it again and again.
async fn forget(app: &App, id: NodeId) {
    if let Err(error) = node::forget(app, id).await {
        tracing::warn!(%error, node = %id, "an ephemeral node could not be deleted yet");
    }
}

/// Writes down that whoever is connected was last seen now, and is so no more.
async fn leave(app: &App) -> Result<()> {
    let (now, mut after) = (app.now(), NodeNumber(0));
    loop {
        let batch = move |tx: &mut store::Tx<'_>| store::node::leave(tx, after, MOST_LEAVING, now);
        match app.store().write(batch).await? {
            Some(last) => after = last,
            None => return Ok(()),
        }
    }
}

/// Writes what devices say of themselves, until the coordinator stops; then what is left, and that all are away.
async fn write_reports(app: App, mut stop: Stop) {
    let unsaved = Arc::clone(&app.mesh().unsaved);
    loop {
        tokio::select! {
            () = unsaved.filled() => {}
            () = stop.wait() => break,
        }
        if let Err(error) = save(&app, &unsaved).await {
            tracing::warn!(%error, "what devices report is not written yet");
        }
        tokio::select! {
            () = tokio::time::sleep(SAVE_EVERY) => {}
            () = stop.wait() => break,
        }
    }
    if let Err(error) = write_the_last(&app, &unsaved).await {
        tracing::warn!(%error, "what devices reported last, and when they were last seen, is not written");
    }
}

async fn write_the_last(app: &App, unsaved: &Unsaved) -> Result<()> {
    let begun = Instant::now();
    loop {
        let written = async {
            save(app, unsaved).await?;
            leave(app).await
        };
        match written.await {
            Err(error) if error.kind() == Kind::Unavailable && begun.elapsed() < LAST_TRIES => {
                tokio::time::sleep(BETWEEN_TRIES).await;
            }
            ended => return ended,
        }
    }
}

/// What could not be written waits on.
async fn save(app: &App, unsaved: &Unsaved) -> Result<()> {
    let mut waiting: Vec<(NodeNumber, Report)> = unsaved.take().into_iter().collect();
    while !waiting.is_empty() {
        let rest = waiting.split_off(waiting.len().min(MOST_REPORTS));
        let batch: HashMap<_, _> = waiting.into_iter().collect();
        let written = batch.clone();
        if let Err(error) = app.store().write(move |tx| store::node::save_reports(tx, &written)).await {
            unsaved.put_back(batch.into_iter().chain(rest).collect());
            return Err(error);
        }
        waiting = rest;
    }
    Ok(())
}
