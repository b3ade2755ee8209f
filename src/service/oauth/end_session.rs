//! Log-outs that an app asks for (OpenID Connect RP-Initiated Logout 1.0): whose log-in it speaks of, and where the
//! browser goes afterwards. It ends nothing: whoever calls asks the person, unless the app has shown the ID token
//! of this very log-in, and ends it.

use serde_json::Value;

use super::{client, signing};
use crate::auth::oauth::client::Form;
use crate::auth::oauth::redirect;
use crate::core::{Error, Result};
use crate::service::app::App;
use crate::service::authority::Person;
use crate::store::oauth::app::AppRow;

/// A log-out that an app asks for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Who asks, where it says so.
    pub app: Option<AppRow>,
    /// Where the browser goes afterwards, the app's own `state` included; the app has registered it.
    pub back: Option<String>,
    hint: Option<Hint>,
}

/// What an ID token says of the log-in that it was made in. One that is over says it as well (section 4).
#[derive(Clone, Debug)]
struct Hint {
    app: String,
    user: String,
    /// In seconds since 1970.
    logged_in_at: Option<u64>,
}

impl Asked {
    /// Whether the app has shown an ID token that was made in this log-in: then nobody has to be asked (section 2).
    pub fn is_proven(&self, person: &Person) -> bool {
        self.hint.as_ref().is_some_and(|hint| {
            hint.user == person.user.to_string() && hint.logged_in_at == Some(person.logged_in_at.as_unix().0)
        })
    }

    /// Whether the app has shown an ID token, whosever it is.
    pub fn has_hint(&self) -> bool {
        self.hint.is_some()
    }
}

/// Checks what an app asks for. An ID token that this coordinator has not made counts as none.
pub async fn check(app: &App, form: &Form) -> Result<Asked> {
    let hint = match form.get("id_token_hint") {
        Some(token) => signing::read_back(app, token).await?.and_then(|claims| Hint::read(&claims)),
        None => None,
    };
    let named = form.get("client_id").or(hint.as_ref().map(|hint| hint.app.as_str()));
    if hint.as_ref().is_some_and(|hint| named != Some(&hint.app)) {
        return Err(Error::usage("client_mismatch", "the app shows the ID token of another app").hint(HERE));
    }
    let row = match named {
        Some(id) => Some(client::find(app, id).await?.ok_or_else(unknown_app)?),
        None => None,
    };
    let back = back(form, row.as_ref())?;
    Ok(Asked { app: row, back, hint })
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

impl Hint {
    fn read(claims: &Value) -> Option<Hint> {
        let text = |name: &str| claims[name].as_str().map(str::to_owned);
        Some(Hint { app: text("aud")?, user: text("sub")?, logged_in_at: claims["auth_time"].as_u64() })
    }
}
