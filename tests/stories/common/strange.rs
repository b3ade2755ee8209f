//! A provider made by hand, for what good ones do not do: it says whatever a story wants, signed or not.

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// How it signs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Signature {
    Es256,
    EdDsa,
    /// `alg: none`.
    None,
    /// With the client secret, which both sides know.
    Hs256,
    /// By a key that is not in its list, under the id of one that is.
    Foreign,
    /// By a key whose id is not in its list.
    Unknown,
    /// By its only key, which has no id.
    Nameless,
    /// The same, with another key in its place.
    NamelessNext,
}

/// What it does next.
pub struct Mind {
    /// The claims of the next ID token.
    pub claims: Value,
    pub signature: Signature,
    /// What the token endpoint answers instead, with 400.
    pub error: Option<&'static str>,
    /// The code that it sends browsers back with.
    pub code: String,
    /// What its token endpoint says beside the usual, or in its place.
    pub tokens: serde_json::Map<String, Value>,
    /// The code verifier that it was told last, and the ID token that it gave for it.
    pub exchanged: Vec<String>,
    pub userinfo: Value,
    pub down: bool,
    /// What its document says beside the usual, or in its place.
    pub document: serde_json::Map<String, Value>,
    /// How often it was called by anybody but a browser.
    pub calls: u32,
    /// The PKCE challenge that the next code verifier must fit.
    pub challenge: String,
    /// How often its keys were asked for.
    pub key_calls: u32,
    /// Whether it keeps browsers, in the place of sending them back.
    pub hold: bool,
    /// Where it sends the browser that came last.
    pub back: String,
}

pub struct Strange {
    pub issuer: String,
    mind: Arc<Mutex<Mind>>,
    keys: Arc<Keys>,
}

struct Keys {
    es256: EcdsaKeyPair,
    ed25519: Ed25519KeyPair,
    foreign: EcdsaKeyPair,
}

type Shared = (String, Arc<Mutex<Mind>>, Arc<Keys>);

impl Strange {
    pub async fn start() -> Strange {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let mind = Arc::new(Mutex::new(Mind {
            claims: Value::Null,
            signature: Signature::Es256,
            error: None,
            code: "code".to_owned(),
            tokens: serde_json::Map::new(),
            exchanged: Vec::new(),
            userinfo: Value::Null,
            down: false,
            document: serde_json::Map::new(),
            calls: 0,
            challenge: String::new(),
            key_calls: 0,
            hold: false,
            back: String::new(),
        }));
        let strange = Strange { issuer: issuer.clone(), mind: mind.clone(), keys: Arc::new(Keys::new()) };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(document))
            .route("/authorize", get(authorize))
            .route("/jwks", get(jwks))
            .route("/token", post(token))
            .route("/userinfo", get(userinfo))
            .with_state((issuer, mind, strange.keys.clone()));
        #[allow(clippy::disallowed_methods, reason = "a server of a test, which ends with it")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        strange
    }

    pub fn mind(&self) -> MutexGuard<'_, Mind> {
        self.mind.lock().unwrap()
    }

    /// A token with these claims.
    pub fn sign(&self, signature: Signature, kind: &str, claims: &Value) -> String {
        self.keys.sign(signature, kind, claims)
    }
}

impl Keys {
    fn new() -> Keys {
        let random = SystemRandom::new();
        let p256 = || {
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap()
        };
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        let ed25519 = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
        Keys { es256: p256(), ed25519, foreign: p256() }
    }

    /// What there is to check such signatures with.
    fn jwks(&self, signature: Signature) -> Value {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let p256 = |key: &EcdsaKeyPair| {
            let point = &key.public_key().as_ref()[1..];
            json!({ "kty": "EC", "crv": "P-256", "x": encode(&point[..32]), "y": encode(&point[32..]) })
        };
        let mut named = p256(&self.es256);
        for (name, value) in [("use", "sig"), ("alg", "ES256"), ("kid", "es256")] {
            named[name] = value.into();
        }
        let ed25519 = encode(self.ed25519.public_key().as_ref());
        let ed25519 = json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "eddsa", "x": ed25519 });
        match signature {
            Signature::Nameless => json!({ "keys": [p256(&self.es256)] }),
            Signature::NamelessNext => json!({ "keys": [p256(&self.foreign)] }),
            _ => json!({ "keys": [named, ed25519] }),
        }
    }

    fn sign(&self, signature: Signature, kind: &str, claims: &Value) -> String {
        let (alg, kid) = match signature {
            Signature::Es256 | Signature::Foreign => ("ES256", Some("es256")),
            Signature::EdDsa => ("EdDSA", Some("eddsa")),
            Signature::None => ("none", Some("es256")),
            Signature::Hs256 => ("HS256", Some("es256")),
            Signature::Unknown => ("ES256", Some("new")),
            Signature::Nameless | Signature::NamelessNext => ("ES256", None),
        };
        let mut header = json!({ "alg": alg, "typ": kind });
        if let Some(kid) = kid {
            header["kid"] = kid.into();
        }
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encode(&header), encode(claims));
        let ecdsa = |key: &EcdsaKeyPair| {
            key.sign(&SystemRandom::new(), message.as_bytes()).unwrap().as_ref().to_vec()
        };
        let bytes = match signature {
            Signature::Es256 | Signature::Nameless => ecdsa(&self.es256),
            Signature::Foreign | Signature::Unknown | Signature::NamelessNext => ecdsa(&self.foreign),
            Signature::EdDsa => self.ed25519.sign(message.as_bytes()).as_ref().to_vec(),
            Signature::None => Vec::new(),
            Signature::Hs256 => {
                let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"secret");
                ring::hmac::sign(&key, message.as_bytes()).as_ref().to_vec()
            }
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(bytes))
    }
}

fn down(mind: &Mutex<Mind>) -> Option<Response> {
    let mut mind = mind.lock().unwrap();
    mind.calls += 1;
    mind.down.then(|| StatusCode::BAD_GATEWAY.into_response())
}

async fn document(State((issuer, mind, _)): State<Shared>) -> Response {
    down(&mind).unwrap_or_else(|| {
        let mut document = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "userinfo_endpoint": format!("{issuer}/userinfo"),
            "jwks_uri": format!("{issuer}/jwks"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["none", "HS256", "ES256", "EdDSA", "of tomorrow"],
        });
        document.as_object_mut().unwrap().extend(mind.lock().unwrap().document.clone());
        Json(document).into_response()
    })
}

/// Logs whoever comes in as what the claims say, whose nonce is left empty for that.
async fn authorize(
    State((_, mind, _)): State<Shared>,
    Query(asked): Query<HashMap<String, String>>,
) -> Response {
    let mut mind = mind.lock().unwrap();
    if mind.claims["nonce"] == "" {
        mind.claims["nonce"] = asked["nonce"].clone().into();
    }
    asked["code_challenge"].clone_into(&mut mind.challenge);
    mind.back = format!("{}?code={}&state={}", asked["redirect_uri"], mind.code, asked["state"]);
    match mind.hold {
        true => Html("<title>Strange</title>Not yet.").into_response(),
        false => Redirect::to(&mind.back).into_response(),
    }
}

async fn jwks(State((_, mind, keys)): State<Shared>) -> Response {
    mind.lock().unwrap().key_calls += 1;
    down(&mind).unwrap_or_else(|| Json(keys.jwks(mind.lock().unwrap().signature)).into_response())
}

async fn token(State((_, mind, keys)): State<Shared>, body: Bytes) -> Response {
    if let Some(down) = down(&mind) {
        return down;
    }
    let mut mind = mind.lock().unwrap();
    let form: HashMap<String, String> = serde_html_form::from_bytes(&body).unwrap_or_default();
    mind.exchanged = form.get("code_verifier").cloned().into_iter().collect();
    if let Some(error) = mind.error {
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response();
    }
    let challenge =
        URL_SAFE_NO_PAD.encode(Sha256::digest(form.get("code_verifier").map_or("", String::as_str)));
    if challenge != mind.challenge || form.get("code") != Some(&mind.code) {
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" }))).into_response();
    }
    let id_token = keys.sign(mind.signature, "JWT", &mind.claims);
    mind.exchanged.push(id_token.clone());
    let mut answer =
        json!({ "access_token": "access", "token_type": "Bearer", "expires_in": 60, "id_token": id_token });
    answer.as_object_mut().unwrap().extend(mind.tokens.clone());
    Json(answer).into_response()
}

async fn userinfo(State((_, mind, _)): State<Shared>) -> Response {
    down(&mind).unwrap_or_else(|| Json(mind.lock().unwrap().userinfo.clone()).into_response())
}
