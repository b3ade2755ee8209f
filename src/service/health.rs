//! Whether the coordinator could serve now. Asked by `/readyz`.

use super::app::App;
use crate::core::Result;
use crate::store::{self, session::Sessions};

/// The database answers.
pub async fn database(app: &App) -> Result<()> {
    app.store().read(|read| store::user::any_exists(read).map(drop)).await
}

/// Log-ins by kind and state.
pub async fn sessions(app: &App) -> Result<Vec<Sessions>> {
    let now = app.now();
    app.store().read(move |read| store::session::count(read, now)).await
}

/// Devices can join and talk.
pub async fn mesh(app: &App) -> Result<()> {
    app.mesh().backend().health().await
}
