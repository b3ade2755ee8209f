//! What a coordinator leaves for the commands beside it when it starts: where it is, and which providers its settings file
//! names. They read the database, and neither its flags nor its file.

use super::app::App;
use crate::core::Result;
use crate::core::url::BaseUrl;
use crate::store::last_start::{self, LastStart};

/// Keeps what this coordinator was told. For its start.
pub async fn keep(app: &App) -> Result<()> {
    let settings = app.settings();
    let providers = settings.providers.iter().map(|configured| configured.provider.clone()).collect();
    let start = LastStart { url: settings.url.clone(), providers, at: app.now() };
    app.store().write(move |tx| last_start::replace(tx, &start)).await
}

/// Where people reach the coordinator of this database; none before its first start.
pub async fn url(app: &App) -> Result<Option<BaseUrl>> {
    Ok(app.store().read(last_start::find).await?.map(|start| start.url))
}
