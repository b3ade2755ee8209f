//! Log-outs that an app asks for (OpenID Connect RP-Initiated Logout 1.0): who asks, and where the browser goes
//! afterwards. It ends nothing: whoever calls asks the person, and ends it.

use url::form_urlencoded;

use super::{client, signing};
use crate::auth::oauth::client::Form;
use crate::auth::oauth::redirect;
use crate::core::{Error, Result};
use crate::service::app::App;
use crate::store::oauth::app::AppRow;

/// A log-out that an app asks for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Who asks, where it says so.
    pub app: Option<AppRow>,
    /// Where the browser goes afterwards, the app's own `state` included; the app has registered it.
    pub back: Option<String>,
    /// The app has shown an ID token of its own, whosever it is.
    pub has_hint: bool,
}

impl Asked {
    /// The request as a query, without the ID token: a token stands in no URL of ours.
    pub fn without_hint(&self, form: &Form) -> String {
        let app = self.app.as_ref().map(|app| app.id.to_string());
        let given = |name| form.get(name).map(|value| (name, value));
        let kept = ["post_logout_redirect_uri", "state"].into_iter().filter_map(given);
        let all = app.as_deref().map(|id| ("client_id", id)).into_iter().chain(kept);
        form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish()
    }
}

/// Checks what an app asks for. An ID token that this coordinator has not made counts as none.
pub async fn check(app: &App, form: &Form) -> Result<Asked> {
    let hint = match form.get("id_token_hint") {
        // One that is over says it as well (section 4).
        Some(token) => {
            signing::read_back(app, token).await?.and_then(|claims| claims["aud"].as_str().map(str::to_owned))
        }
        None => None,
    };
    let named = form.get("client_id").or(hint.as_deref());
    if hint.is_some() && named != hint.as_deref() {
        return Err(Error::usage("client_mismatch", "the app shows the ID token of another app").hint(HERE));
    }
    let row = match named {
        Some(id) => Some(client::find(app, id).await?.ok_or_else(unknown_app)?),
        None => None,
    };
    let back = back(form, row.as_ref())?;
    Ok(Asked { app: row, back, has_hint: hint.is_some() })
}

/// Where to go without an app.
const HERE: &str = "nobody was logged out; your own menu, on every page here, has a log-out too";

fn unknown_app() -> Error {
    Error::usage("unknown_app", "no app is registered here under this client_id, or it was revoked")
        .hint(HERE)
}

/// Only to the letter as it was registered (section 3): a browser is led nowhere else.
fn back(form: &Form, app: Option<&AppRow>) -> Result<Option<String>> {
    let Some(uri) = form.get("post_logout_redirect_uri") else { return Ok(None) };
    let registered = app.is_some_and(|app| app.post_logout_redirect_uris.iter().any(|known| known == uri));
    if !registered {
        let message = "the app wants you led to an address that it did not register for log-outs";
        return Err(Error::usage("post_logout_redirect_uri_mismatch", message).hint(HERE));
    }
    let state: Vec<_> = form.get("state").map(|state| ("state", state)).into_iter().collect();
    match state.is_empty() {
        true => Ok(Some(uri.to_owned())),
        false => redirect::with(uri, &state).map(Some),
    }
}
