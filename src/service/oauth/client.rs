//! Which client asks: an app that proved who it is as it registered, or the command line of `wonder` itself.

use super::limits;
use crate::auth::oauth::COMMAND_LINE;
use crate::auth::oauth::client::{Presented, invalid_client};
use crate::core::Result;
use crate::core::action::Action;
use crate::core::id::AppId;
use crate::core::secret::{Secret, SecretHash};
use crate::service::app::App;
use crate::service::audit::{Actor, Change, Origin};
use crate::service::refusal;
use crate::store::oauth::app::{self as apps, AppRow};

/// A client that showed who it is.
#[derive(Clone, Debug)]
pub enum Client {
    App(Box<AppRow>),
    /// The command line of `wonder` itself: what a person approves for it is a log-in, not a grant.
    CommandLine,
}

impl Client {
    /// The app, where the command line may not ask.
    pub fn app(self) -> Result<AppRow> {
        match self {
            Client::App(app) => Ok(*app),
            Client::CommandLine => {
                Err(super::denied("unauthorized_client", "this client logs in by device code alone"))
            }
        }
    }
}

/// Checks what a client presented. Whatever is wrong, it is `invalid_client`; too many tries from one address
/// are `too_many_attempts`.
pub async fn authenticate(app: &App, presented: &Presented, origin: &Origin) -> Result<Client> {
    limits::client(app, origin)?;
    let client = identify(app, presented, origin).await?;
    limits::client_proved(app, origin);
    Ok(client)
}

async fn identify(app: &App, presented: &Presented, origin: &Origin) -> Result<Client> {
    if presented.id == COMMAND_LINE && presented.secret.is_none() {
        return Ok(Client::CommandLine);
    }
    let row = find(app, &presented.id).await?.ok_or_else(refused)?;
    match is_proof(row.secret.as_ref(), presented.secret.as_ref()) {
        true => Ok(Client::App(Box::new(row))),
        false => {
            let (failure, actor) = (refused(), Actor::nobody(origin.clone()));
            let change = Change::new(Action::AppRefuse, row.id, &row.name).of(row.org_id);
            refusal::write(app, actor, change, &failure).await;
            Err(failure)
        }
    }
}

/// A client with a secret shows it; one without shows none.
fn is_proof(known: Option<&SecretHash>, shown: Option<&Secret>) -> bool {
    match (known, shown) {
        (Some(known), Some(shown)) => known.matches(shown),
        (None, None) => true,
        // HTTP Basic with an empty password is how some clients without a secret say their name.
        (None, Some(shown)) => shown.reveal().is_empty(),
        (Some(_), None) => false,
    }
}

/// The app of this `client_id`, if it stands.
pub async fn find(app: &App, id: &str) -> Result<Option<AppRow>> {
    let Ok(id) = id.parse::<AppId>() else { return Ok(None) };
    app.store().read(move |read| apps::live(read, id)).await
}

fn refused() -> crate::core::Error {
    invalid_client("this client is unknown here, or did not prove who it is")
}
