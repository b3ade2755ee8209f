//! From settings to a coordinator that could serve: ports, database, certificate, routes, in this order, so
//! that whatever cannot be had is told before anything is changed.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use super::frame::{self, Frame};
use super::listen::{Limits, Listener};
use super::ready::{self, Ready};
use super::state::State;
use super::tls::Certificate;
use super::{chores, routes};
use crate::config::server::Settings;
use crate::core::{Error, Kind, Result};
use crate::runtime::{Clock, Supervisor};
use crate::service::app::{self, App};
use crate::service::setup;
use crate::store::{DatabaseUrl, Purpose, Store};

/// A coordinator that has all it needs.
pub struct Started {
    pub frame: Frame,
    pub ready: Ready,
    pub app: App,
}

/// Descriptors that are kept for the database, logs and devices' upgrades under way.
const SPARE_FILES: u64 = 256;

/// Starts a coordinator, up to the moment where it accepts connections.
pub async fn start(settings: Settings, clock: Clock) -> Result<Started> {
    let mut listener = Listener::bind("--listen", settings.listen, limits())?;
    let certificate = settings.tls.clone().map(Certificate::read).transpose()?;
    if let Some(certificate) = &certificate {
        listener = listener.with_tls(certificate.server_config()?);
    }
    let listen = listener.address()?;
    let url = match &settings.url {
        Some(url) => url.clone(),
        None => ready::url_of(listen, certificate.is_some())?,
    };
    let store = open_store(&settings).await?;
    let app_settings = app::Settings {
        dns: settings.dns.clone(),
        ephemeral_grace: settings.ephemeral_grace,
        ..app::Settings::at(url.clone())
    };
    let app = App::new(store, clock, Supervisor::new(), app_settings);
    chores::begin(&app);
    let setup_code = setup::offer(&app).await?;
    let router = frame::dress(routes::router(State::new(app.clone(), Vec::new())));
    let ready = Ready { url, listen, derp: None, stun: None, pid: std::process::id(), setup_code };
    let frame = Frame { listener, router, certificate, tasks: app.supervisor().clone() };
    Ok(Started { frame, ready, app })
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
