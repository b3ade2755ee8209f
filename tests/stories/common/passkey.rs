//! An authenticator made by hand (W3C Web Authentication Level 3, sections 6 and 7): it signs what a story wants, also
//! what no authenticator would.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::page::Browser;

/// Somebody is there.
const PRESENT: u8 = 0x01;
/// It is its owner.
pub const VERIFIED: u8 = 0x04;
/// A new passkey follows.
const ATTESTED: u8 = 0x40;

/// One passkey, and what is signed with it.
#[derive(Clone)]
pub struct Authenticator {
    pub key: Vec<u8>,
    pub id: Vec<u8>,
    pub user: String,
    /// Of the page that asks.
    pub origin: String,
    pub rp_id: String,
    /// Beside that somebody is there.
    pub flags: u8,
    pub counter: u32,
    pub cross_origin: bool,
}

impl Authenticator {
    pub fn new(origin: &str) -> Authenticator {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        Authenticator {
            key: key.as_ref().to_vec(),
            id: wonder::core::secret::random_bytes::<32>().to_vec(),
            user: String::new(),
            origin: origin.to_owned(),
            rp_id: "localhost".to_owned(),
            flags: VERIFIED,
            counter: 1,
            cross_origin: false,
        }
    }

    fn pair(&self) -> EcdsaKeyPair {
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &self.key, &SystemRandom::new()).unwrap()
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let challenge = options["challenge"].as_str().expect("a challenge");
        let (origin, cross) = (&self.origin, self.cross_origin);
        format!(r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{origin}","crossOrigin":{cross}}}"#)
            .into()
    }

    fn data(&self, flags: u8) -> Vec<u8> {
        let mut data = Sha256::digest(self.rp_id.as_bytes()).to_vec();
        data.push(PRESENT | self.flags | flags);
        data.extend(self.counter.to_be_bytes());
        data
    }

    /// Makes its passkey, as it is asked (section 6.3.2).
    pub fn make(&mut self, options: &Value) -> Value {
        options["user"]["id"].as_str().expect("a user").clone_into(&mut self.user);
        let pair = self.pair();
        let point = pair.public_key().as_ref();
        let mut data = self.data(ATTESTED);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        // A COSE key (RFC 9053 section 7.1): EC2, ES256, P-256, x, y.
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(&point[1..33]);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(&point[33..65]);
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
        object.push(u8::try_from(data.len()).unwrap());
        object.extend(data);
        let response = json!({
            "clientDataJSON": pack(&self.client_data("webauthn.create", options)),
            "attestationObject": pack(&object), "transports": ["internal"],
        });
        self.answer(&response)
    }

    /// Shows its passkey, as it is asked (section 6.3.3).
    pub fn show(&mut self, options: &Value) -> Value {
        // One that counts nothing says 0 each time.
        self.counter += u32::from(self.counter > 0);
        let (data, client) = (self.data(0), self.client_data("webauthn.get", options));
        let signed = [data.as_slice(), &Sha256::digest(&client)].concat();
        let signature = self.pair().sign(&SystemRandom::new(), &signed).unwrap();
        let response = json!({
            "clientDataJSON": pack(&client), "authenticatorData": pack(&data),
            "signature": pack(signature.as_ref()), "userHandle": self.user,
        });
        self.answer(&response)
    }

    fn answer(&self, response: &Value) -> Value {
        json!({
            "id": pack(&self.id), "rawId": pack(&self.id), "type": "public-key", "response": response,
            "authenticatorAttachment": null, "clientExtensionResults": {},
        })
    }
}

pub fn pack(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Asks for what is to be signed, with the form of the page that is shown.
pub async fn ask(browser: &mut Browser, path: &str) -> Value {
    let csrf = browser.page.csrf();
    let shown = browser.page.clone();
    browser.post(path, &[("csrf", &csrf), ("name", "a name")]).await;
    assert_eq!(browser.page.status, 200, "{:?}", browser.page);
    let options = serde_json::from_str(&browser.page.body).unwrap();
    browser.page = shown;
    options
}

/// Gives the account that is logged in a passkey.
pub async fn add(browser: &mut Browser, key: &mut Authenticator, name: &str) {
    browser.get("/settings/factors").await;
    let options = ask(browser, "/settings/factors/passkeys/ask").await;
    let answer = key.make(&options).to_string();
    browser.submit("/settings/factors/passkeys", &[("name", name), ("answer", &answer)]).await;
}
