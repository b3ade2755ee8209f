//! From settings to a coordinator that could serve: ports, database, certificate, routes, in this order, so
//! that whatever cannot be had is told before anything is changed.

use axum::Router;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::frame::{self, Frame};
use super::listen::{Limits, Listener};
use super::ready::{self, Ready};
use super::state::{Probe, State};
use super::tls::Certificate;
use super::{backchannel, chores, control, forwarded, metrics, oauth, pages, relay, relay_maps, routes};
use crate::auth::vault::Vault;
use crate::config::master_key;
use crate::config::server::{Proxies, Settings};
use crate::core::url::BaseUrl;
use crate::core::{Error, Kind, Result, Timestamp};
use crate::mesh::native::wire::RelayMaps;
use crate::mesh::native::{derp, stun};
use crate::runtime::{Clock, Supervisor};
use crate::service::app::{self, App};
use crate::service::identity::{self, Identity};
use crate::service::mail::{self, Mailer};
use crate::service::oauth::signing::Signing;
use crate::service::{health, key_ring, last_start, mesh, setup};
use crate::store::{DatabaseUrl, Purpose, Store};

/// A coordinator that has all it needs.
pub struct Started {
    pub frame: Frame,
    pub ready: Ready,
    pub app: App,
}

/// Descriptors that are kept for the database, logs and devices' upgrades under way.
const SPARE_FILES: u64 = 256;

/// Of whoever reads the metrics there are a few.
const FEW: Limits = Limits {
    connections: 64,
    per_address: 64,
    head: Duration::from_secs(15),
    handshake: Duration::from_secs(10),
};

/// Starts a coordinator, up to the moment where it accepts connections.
pub async fn start(settings: Settings, clock: Clock) -> Result<Started> {
    let mut listener = Listener::bind("--listen", settings.listen, limits())?.behind(&settings.proxies);
    let certificate = settings.tls.clone().map(Certificate::read).transpose()?;
    if let Some(certificate) = &certificate {
        listener = listener.with_tls(certificate.server_config()?);
    }
    let listen = listener.address()?;
    let url = match &settings.url {
        Some(url) => url.clone(),
        None => ready::url_of(listen, certificate.is_some())?,
    };
    let observed =
        settings.metrics.map(|address| Listener::bind("--metrics-listen", address, FEW)).transpose()?;
    let metrics = observed.as_ref().map(Listener::address).transpose()?;
    let relay = settings.relay.as_ref().map(|wanted| relay::bind(wanted, listen, limits())).transpose()?;
    let store = open_store(&settings).await?;
    let keys = Keys::load(&settings, &store, &url, clock.now()).await?;
    let app =
        App::new(store, clock, Supervisor::new(), app_settings(&settings, &url, relay.as_ref(), &keys)?);
    last_start::keep(&app).await?;
    mail::look(&app).await?;
    mesh::run(&app).await?;
    chores::begin(&app, &keys.signing);
    let setup_code = setup::offer(&app).await?;
    let (derp, stun) = relay.as_ref().map(|relay| (relay.derp, relay.stun_address)).unzip();
    let ready = Ready { url, listen, derp, stun, metrics, pid: std::process::id(), setup_code };
    if let Some(observed) = observed {
        let routes = metrics::routes(app.clone());
        app.supervisor().spawn("metrics listener", observed.serve(routes, app.supervisor().clone()));
    }
    let router = open_doors(&app, &settings.proxies, relay, keys)?;
    let store = app.store().clone();
    let lost = Box::pin(async move { store.lost().await });
    let frame = Frame { listener, router, certificate, tasks: app.supervisor().clone(), lost };
    Ok(Started { frame, ready, app })
}

/// What the coordinator shows devices, to be known by.
struct Keys {
    identity: Identity,
    master: Arc<Vault>,
    /// The relay's own certificate, where the coordinator has none that others vouch for.
    pinned: Option<derp::Certificate>,
    /// For apps: who logged in.
    signing: Signing,
}

impl Keys {
    async fn load(settings: &Settings, store: &Store, url: &BaseUrl, now: Timestamp) -> Result<Self> {
        let sealed = identity::is_sealed(store).await?;
        let master = Arc::new(Vault::load(master_key::Place::find(&settings.data_dir), sealed)?);
        key_ring::catch_up(store, master.ring(), now).await?;
        let own_port = settings.relay.as_ref().is_some_and(|relay| relay.listen.is_none());
        let pinned = match &settings.relay {
            Some(_) if !own_port => Some(identity::relay_certificate(store, &master, now, url.host()).await?),
            _ => None,
        };
        let identity = identity::load(store, &master, now).await?;
        let signing = Signing::load(store, master.clone(), now).await?;
        Ok(Keys { identity, master, pinned, signing })
    }
}

fn app_settings(
    settings: &Settings,
    url: &BaseUrl,
    relay: Option<&relay::Bound>,
    keys: &Keys,
) -> Result<app::Settings> {
    let own = relay.map(|relay| relay.describe(url, keys.pinned.as_ref())).transpose()?;
    let others = relay_maps::load(&settings.relay_maps)?;
    if own.is_none() && others.is_empty() {
        tracing::warn!(
            "no relay: devices need one to become Running (--derp-listen, or relay-maps in the file)"
        );
    }
    Ok(app::Settings {
        url: url.clone(),
        dns: settings.dns.clone(),
        relays: RelayMaps::new(own.as_ref(), &others)?,
        ephemeral_grace: settings.ephemeral_grace,
        audit_retention: settings.audit_retention,
        stamp_key: Some(keys.identity.stamp_key.clone()),
        limits: settings.limits.clone(),
        mailer: settings.mail.as_ref().map(Mailer::new).transpose()?,
        providers: settings.providers.clone(),
        provider_networks: settings.provider_networks.clone(),
        local_accounts: settings.local_accounts,
        master: Some(keys.master.clone()),
    })
}

/// All routes of the coordinator's own port; relay and STUN begin on theirs.
fn open_doors(app: &App, proxies: &Proxies, relay: Option<relay::Bound>, keys: Keys) -> Result<Router> {
    let dress = |routes| {
        let counted = metrics::count(app.metrics().clone(), frame::dress(routes));
        forwarded::read(proxies.clone(), counted)
    };
    let Identity { control_key, relay_key, .. } = keys.identity;
    let state = State::new(app.clone(), vec![("mesh", mesh_probe(app))]);
    let router = routes::router(state.clone())
        .merge(oauth::router(state.clone(), keys.signing))
        .merge(pages::router(state.clone()))
        .merge(backchannel::router(state))
        .merge(control::routes(app.clone(), control_key))
        .merge(control::verify(app.clone()));
    let Some(relay) = relay else { return Ok(dress(router.merge(control::probes()))) };
    let tasks = app.supervisor();
    tasks.spawn("stun", stun::serve(relay.stun, tasks.stop_signal()));
    let doors = control::relay_routes(app.clone(), app.mesh().start_relay(relay_key));
    match (relay.listener, keys.pinned) {
        (Some(listener), Some(certificate)) => {
            let listener = listener.with_tls(certificate.server_config()?).behind(proxies);
            tasks.spawn("relay listener", listener.serve(dress(doors), tasks.clone()));
            Ok(dress(router.merge(control::probes())))
        }
        _ => Ok(dress(router.merge(doors))),
    }
}

/// What `/readyz` asks beside the database.
fn mesh_probe(app: &App) -> Probe {
    let app = app.clone();
    Arc::new(move || {
        let app = app.clone();
        Box::pin(async move { health::mesh(&app).await })
    })
}

/// Opens the database and takes it for this coordinator. Blocks a thread of its own: a migration may take long.
async fn open_store(settings: &Settings) -> Result<Store> {
    let database = match &settings.database {
        Some(url) => url.reveal().parse()?,
        None => DatabaseUrl::in_data_dir(&settings.data_dir),
    };
    make_private(&settings.data_dir)?;
    let open = tokio::task::spawn_blocking(move || Store::open(&database, Purpose::Serve));
    open.await.map_err(|e| Error::bug("opening the database ended early").source(e))?
}

/// Makes the data directory, for this user alone, if it is not there.
fn make_private(directory: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|e| {
        let message = format!("the data directory {} cannot be made: {e}", directory.display());
        Error::new(Kind::Local, "data_dir_unusable", message)
            .hint("name another with --data-dir (or WONDER_DATA_DIR)")
    })
}

/// The usual limits, or what the system's number of open files allows; that is raised as far as it goes.
fn limits() -> Limits {
    let usual = Limits::default();
    let files = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: files.maximum, maximum: files.maximum };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => files.maximum,
        Err(_) => files.current,
    };
    let room = current
        .map_or(usize::MAX, |most| usize::try_from(most.saturating_sub(SPARE_FILES)).unwrap_or(usize::MAX));
    Limits { connections: usual.connections.min(room.max(16)), ..usual }
}
