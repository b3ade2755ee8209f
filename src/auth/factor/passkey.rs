//! Passkeys (W3C Web Authentication Level 3), by `webauthn_rp`: what a browser is asked, and whether its answer is right.
//! A passkey here is always one that its authenticator finds by itself and opens for its owner alone (discoverable, user
//! verification required), so that it stands for both factors. No attestation is asked for.

use std::net::IpAddr;

use webauthn_rp::bin::{Decode as _, Encode as _};
use webauthn_rp::request::auth::AuthenticationVerificationOptions;
use webauthn_rp::request::register::{
    CredProtect, PublicKeyCredentialUserEntity, RegistrationVerificationOptions, UserHandle16, Username,
};
use webauthn_rp::request::{
    AsciiDomain, ExtensionInfo, PublicKeyCredentialDescriptor, RpId, TimedCeremony as _,
};
use webauthn_rp::response::auth::error::AuthCeremonyErr;
use webauthn_rp::response::register::{CompressedPubKey, DynamicState, StaticState};
use webauthn_rp::response::{AuthTransports, CredentialId};
use webauthn_rp::{
    AuthenticatedCredential, DiscoverableAuthentication16, DiscoverableAuthenticationServerState,
    DiscoverableCredentialRequestOptions, PublicKeyCredentialCreationOptions, Registration,
    RegistrationServerState,
};

use crate::core::id::UserId;
use crate::core::passkey::Credential;
use crate::core::url::BaseUrl;
use crate::core::user::Email;
use crate::core::{Error, Kind, Result};

/// The longest answer of a browser, in bytes: some authenticators send certificates that nobody asked for.
const LONGEST: usize = 16 * 1024;

/// A public key as it is kept.
type PublicKey = StaticState<CompressedPubKey<[u8; 32], [u8; 32], [u8; 48], Vec<u8>>>;

/// Where passkeys are good: a passkey of one site is worth nothing at another.
pub struct Site {
    rp_id: RpId,
    /// As browsers write it.
    origin: String,
}

/// What a browser is asked, once.
pub struct Asked {
    /// By which its answer is known.
    pub challenge: Vec<u8>,
    /// What is needed to judge the answer.
    pub state: Vec<u8>,
    /// For the browser: JSON of `PublicKeyCredentialCreationOptionsJSON` or `PublicKeyCredentialRequestOptionsJSON`.
    pub options: String,
}

impl Site {
    /// Of a coordinator's URL. Browsers know passkeys over https, and at localhost; never of an address.
    pub fn of(url: &BaseUrl) -> Option<Site> {
        let (host, https) = (url.host(), url.is_https());
        let is_local = host == "localhost" || host.ends_with(".localhost");
        if !(https || is_local) || host.parse::<IpAddr>().is_ok() {
            return None;
        }
        let rp_id = RpId::Domain(AsciiDomain::try_from(host.to_owned()).ok()?);
        let scheme = if https { "https" } else { "http" };
        let usual = if https { 443 } else { 80 };
        let port = if url.port() == usual { String::new() } else { format!(":{}", url.port()) };
        Some(Site { rp_id, origin: format!("{scheme}://{host}{port}") })
    }

    /// The one origin whose pages may ask.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Asks for a new passkey, on an authenticator that has none of `known`.
    pub fn ask_to_make(&self, user: UserId, email: &Email, known: &[Credential]) -> Result<Asked> {
        let (handle, name) = (handle(user)?, Username::try_from(email.as_str()));
        let name = name.or_else(|_| Username::try_from("account")).map_err(|_| broken("a user's name"))?;
        let entity = PublicKeyCredentialUserEntity { name, id: &handle, display_name: None };
        let known = known.iter().map(descriptor).collect::<Result<_>>()?;
        let mut options = PublicKeyCredentialCreationOptions::passkey(&self.rp_id, entity, known);
        // Asked for, and not insisted on: many authenticators of phones and computers do not know the extension (CTAP 2.2
        // section 12.1), and verify their owner all the same.
        options.extensions.cred_protect =
            CredProtect::UserVerificationRequired(ExtensionInfo::AllowDontEnforceValue);
        let (server, client) = options.start_ceremony().map_err(|_| broken("what is asked"))?;
        let challenge = server.sent_challenge().0.to_le_bytes().to_vec();
        let state = server.encode().map_err(|_| broken("what was asked"))?;
        Ok(Asked { challenge, state, options: json(&client)? })
    }

    /// Asks for a passkey of whoever it is.
    pub fn ask_to_show(&self) -> Result<Asked> {
        let options = DiscoverableCredentialRequestOptions::passkey(&self.rp_id);
        let (server, client) = options.start_ceremony().map_err(|_| broken("what is asked"))?;
        let challenge = server.sent_challenge().0.to_le_bytes().to_vec();
        let state = server.encode().map_err(|_| broken("what was asked"))?;
        Ok(Asked { challenge, state, options: json(&client)? })
    }

    /// The passkey that was made (section 7.1); `passkey_refused` where the answer is not right.
    pub fn made(&self, state: &[u8], made: &Made) -> Result<Credential> {
        let asked = RegistrationServerState::<16>::decode(state).map_err(|_| broken("what was asked"))?;
        let origins = [self.origin.as_str()];
        let options = RegistrationVerificationOptions::<'_, '_, &str, &str> {
            allowed_origins: &origins,
            // What authenticators add by themselves is nobody's harm (section 9.1).
            error_on_unsolicited_extensions: false,
            ..RegistrationVerificationOptions::default()
        };
        let made = asked.verify(&self.rp_id, &made.0, &options).map_err(|e| refused(e.to_string()))?;
        Ok(Credential {
            id: made.id().inner().to_vec(),
            public_key: made.static_state().encode().unwrap_or_else(|never| match never {}),
            state: made.dynamic_state().encode().unwrap_or_else(|never| match never {}).to_vec(),
            transports: made.transports().encode().unwrap_or_else(|never| match never {}),
        })
    }

    /// Judges a passkey that was shown (section 7.2); gives its new state. `passkey_refused` where the answer is not
    /// right, `passkey_copied` where its counter has gone back.
    pub fn shown(&self, state: &[u8], shown: &Shown, user: UserId, kept: &Credential) -> Result<Vec<u8>> {
        let asked =
            DiscoverableAuthenticationServerState::decode(state).map_err(|_| broken("what was asked"))?;
        let handle = handle(user)?;
        let id = CredentialId::<&[u8]>::decode(kept.id.as_slice()).map_err(|_| broken("an id"))?;
        let public_key = PublicKey::decode(&kept.public_key).map_err(|_| broken("a public key"))?;
        let dynamic = kept.state.as_slice().try_into().map_err(|_| broken("a state"))?;
        let dynamic = DynamicState::decode(dynamic).map_err(|_| broken("a state"))?;
        let credential = AuthenticatedCredential::new(id, &handle, public_key, dynamic);
        let mut credential = credential.map_err(|_| broken("its parts"))?;
        let origins = [self.origin.as_str()];
        let options = AuthenticationVerificationOptions::<'_, '_, &str, &str> {
            allowed_origins: &origins,
            error_on_unsolicited_extensions: false,
            ..AuthenticationVerificationOptions::default()
        };
        match asked.verify(&self.rp_id, &shown.0, &mut credential, &options) {
            Ok(_) => Ok(credential.dynamic_state().encode().unwrap_or_else(|never| match never {}).to_vec()),
            Err(AuthCeremonyErr::SignatureCounter) => Err(copied()),
            Err(error) => Err(refused(error.to_string())),
        }
    }
}

/// A browser's answer that a passkey was made.
pub struct Made(Registration);

impl Made {
    /// Reads `RegistrationResponseJSON`.
    pub fn read(answer: &str) -> Result<Self> {
        Registration::from_json_relaxed(bounded(answer)?).map(Made).map_err(|e| malformed(&e))
    }

    /// What it answers.
    pub fn challenge(&self) -> Result<Vec<u8>> {
        self.0.challenge_relaxed().map(|sent| sent.0.to_le_bytes().to_vec()).map_err(|e| malformed(&e))
    }
}

/// A browser's answer that shows a passkey.
pub struct Shown(DiscoverableAuthentication16);

impl Shown {
    /// Reads `AuthenticationResponseJSON`.
    pub fn read(answer: &str) -> Result<Self> {
        DiscoverableAuthentication16::from_json_relaxed(bounded(answer)?)
            .map(Shown)
            .map_err(|e| malformed(&e))
    }

    /// What it answers.
    pub fn challenge(&self) -> Result<Vec<u8>> {
        self.0.challenge_relaxed().map(|sent| sent.0.to_le_bytes().to_vec()).map_err(|e| malformed(&e))
    }

    /// Which passkey it is of, as its authenticator calls it.
    pub fn credential(&self) -> Vec<u8> {
        self.0.raw_id().inner().to_vec()
    }
}

/// What an authenticator knows an account by: its id, which says nothing of its owner.
fn handle(user: UserId) -> Result<UserHandle16> {
    UserHandle16::decode(*user.as_bytes()).map_err(|_| broken("a user's id"))
}

fn descriptor(kept: &Credential) -> Result<PublicKeyCredentialDescriptor<Vec<u8>>> {
    let id = CredentialId::<Vec<u8>>::decode(kept.id.clone()).map_err(|_| broken("an id"))?;
    let transports = AuthTransports::decode(kept.transports).map_err(|_| broken("its transports"))?;
    Ok(PublicKeyCredentialDescriptor { id, transports })
}

fn json(options: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(options).map_err(|e| broken("what is asked").source(e))
}

fn bounded(answer: &str) -> Result<&[u8]> {
    match answer.len() <= LONGEST {
        true => Ok(answer.as_bytes()),
        false => Err(Error::usage("malformed_passkey", "the answer of the passkey is too long")),
    }
}

fn broken(what: &str) -> Error {
    Error::bug(format!("of a passkey, {what} does not fit"))
}

fn malformed(error: &serde_json::Error) -> Error {
    Error::usage("malformed_passkey", "the answer of the passkey cannot be read")
        .hint("reload the page and try again, or take another browser")
        .source(error.to_string())
}

/// Whatever was wrong with it.
pub fn refused(reason: impl Into<String>) -> Error {
    Error::new(Kind::Unauthenticated, "passkey_refused", "this passkey was not accepted")
        .hint("reload the page and try again, or log in another way")
        .source(reason.into())
}

fn copied() -> Error {
    Error::new(
        Kind::Unauthenticated,
        "passkey_copied",
        "this passkey was used elsewhere: there may be a copy of it",
    )
    .hint("log in another way, remove the passkey in your settings, and make a new one")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Timestamp;
    use proptest::prelude::*;

    fn site(url: &str) -> Option<Site> {
        Site::of(&url.parse().unwrap())
    }

    #[test]
    fn passkeys_are_for_https_and_localhost() {
        for (url, origin) in [
            ("https://mesh.example.org", "https://mesh.example.org"),
            ("https://mesh.example.org:443", "https://mesh.example.org"),
            ("https://mesh.example.org:8443", "https://mesh.example.org:8443"),
            ("http://localhost:8080", "http://localhost:8080"),
            ("http://localhost:80", "http://localhost"),
        ] {
            assert_eq!(site(url).unwrap().origin(), origin);
        }
        for url in
            ["http://192.168.1.10:8080", "http://mesh.example.org", "https://203.0.113.1", "https://[::1]"]
        {
            assert!(site(url).is_none(), "{url}");
        }
    }

    #[test]
    fn a_browser_is_asked_for_what_stands_for_both_factors() {
        let site = site("http://localhost:8080").unwrap();
        let user = UserId::new(Timestamp::from_millis(1_700_000_000_000));
        let email = "ada@example.org".parse().unwrap();
        let make = site.ask_to_make(user, &email, &[]).unwrap();
        let options: serde_json::Value = serde_json::from_str(&make.options).unwrap();
        let wanted = &options["authenticatorSelection"];
        assert_eq!(
            (&wanted["residentKey"], &wanted["userVerification"]),
            (&"required".into(), &"required".into())
        );
        assert_eq!(
            (&options["rp"]["id"], &options["user"]["name"]),
            (&"localhost".into(), &"ada@example.org".into())
        );
        let show = site.ask_to_show().unwrap();
        let options: serde_json::Value = serde_json::from_str(&show.options).unwrap();
        assert_eq!(
            (&options["userVerification"], &options["rpId"]),
            (&"required".into(), &"localhost".into())
        );
        assert_ne!(make.challenge, show.challenge);
    }

    #[test]
    fn endless_answers_are_refused_unread() {
        let endless = format!("{{\"id\":\"{}\"}}", "A".repeat(LONGEST));
        assert_eq!(Made::read(&endless).err().unwrap().code(), "malformed_passkey");
        assert_eq!(Shown::read(&endless).err().unwrap().code(), "malformed_passkey");
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        use serde_json::Value;
        let names = prop::sample::select(vec![
            "id",
            "rawId",
            "type",
            "response",
            "clientDataJSON",
            "attestationObject",
            "authenticatorData",
            "signature",
            "userHandle",
            "clientExtensionResults",
            "authenticatorAttachment",
            "transports",
        ]);
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[A-Za-z0-9_-]{0,60}".prop_map(Value::from),
            ".{0,20}".prop_map(Value::from),
            Just(Value::from("public-key")),
        ];
        leaf.prop_recursive(4, 60, 12, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((names.clone(), inner), 0..12).prop_map(|pairs| Value::Object(
                    pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
                )),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_a_browser_answers_is_read_or_refused(answer in json(), text in ".{0,200}") {
            for answer in [answer.to_string(), text] {
                let _ = Made::read(&answer).map(|made| made.challenge().is_ok());
                let _ = Shown::read(&answer).map(|shown| (shown.challenge().is_ok(), shown.credential()));
            }
        }
    }
}
