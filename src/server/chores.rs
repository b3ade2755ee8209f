//! What the coordinator does by itself from time to time.

use std::time::Duration;

use crate::core::Result;
use crate::service::app::App;
use crate::service::oauth::{self, signing::Signing};
use crate::service::oidc;
use crate::service::{chain, factor, invitation, join, session};

/// Begins all chores; they end with the application's supervisor.
pub fn begin(app: &App, signing: &Signing) {
    every(app, "unregistered uses", Duration::from_secs(30), |app| async move { join::sweep(&app).await });
    every(app, "audit chain", Duration::from_secs(5), |app| async move { chain::link(&app).await });
    every(app, "audit retention", Duration::from_secs(3600), |app| async move { chain::sweep(&app).await });
    every(app, "old invitations", Duration::from_secs(3600), |app| async move {
        invitation::sweep(&app).await.map(drop)
    });
    every(app, "log-ins elsewhere", Duration::from_secs(300), |app| async move {
        oidc::sweep(&app).await.map(drop)
    });
    every(app, "memberships by rule", Duration::from_secs(60), |app| async move {
        oidc::membership::review(&app).await.map(drop)
    });
    every(app, "second factors", Duration::from_secs(300), |app| async move { factor::sweep(&app).await });
    every(app, "ended sessions", Duration::from_secs(3600), |app| async move {
        session::sweep(&app).await.map(drop)
    });
    every(
        app,
        "ended grants and tokens",
        Duration::from_secs(600),
        |app| async move { oauth::sweep(&app).await },
    );
    let signing = signing.clone();
    every(app, "signing keys", Duration::from_secs(3600), move |app| {
        let signing = signing.clone();
        async move { signing.rotate(app.now()).await }
    });
}

/// Runs a chore each `period`. One that fails is tried again at its next time.
fn every<F>(app: &App, chore: &'static str, period: Duration, run: impl Fn(App) -> F + Send + 'static)
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let (app, mut stop) = (app.clone(), app.supervisor().stop_signal());
    app.clone().supervisor().spawn(chore, async move {
        loop {
            tokio::select! {
                () = stop.wait() => return,
                () = tokio::time::sleep(period) => {}
            }
            if let Err(e) = run(app.clone()).await {
                tracing::warn!(chore, code = e.code(), "a chore failed: {e}");
            }
        }
    });
}
