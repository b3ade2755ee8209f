//! API keys.

use ureq::http::Method;

use super::call::{NOTHING, segment};
use super::{Client, organization};
use crate::api::{CreateKey, Key, KeyAnswer, KeyList, KeyPolicyAnswer, NewKey, RotateKey};
use crate::core::Result;

impl Client {
    pub fn create_key(&self, org: &str, what: &CreateKey) -> Result<NewKey> {
        self.call(Method::POST, &keys(org)?, Some(what))
    }

    pub fn keys(&self, org: &str) -> Result<Vec<Key>> {
        self.list(&keys(org)?, |page: KeyList| (page.keys, page.next_cursor))
    }

    /// Gives a key, by id or name, a new secret.
    pub fn rotate_key(&self, org: &str, key: &str, how: &RotateKey) -> Result<NewKey> {
        self.call(Method::POST, &format!("{}/rotate", one(org, key)?), Some(how))
    }

    /// How old the secrets of an organization's keys may get.
    pub fn key_policy(&self, org: &str) -> Result<KeyPolicyAnswer> {
        self.get(&policy(org)?)
    }

    pub fn set_key_policy(&self, org: &str, wanted: KeyPolicyAnswer) -> Result<KeyPolicyAnswer> {
        self.call(Method::PUT, &policy(org)?, Some(&wanted))
    }

    pub fn revoke_key(&self, org: &str, key: &str) -> Result<Key> {
        self.call(Method::DELETE, &one(org, key)?, NOTHING).map(|answer: KeyAnswer| answer.key)
    }
}

fn policy(org: &str) -> Result<String> {
    Ok(format!("{}/key-policy", organization::path(org)?))
}

fn keys(org: &str) -> Result<String> {
    Ok(format!("{}/keys", organization::path(org)?))
}

fn one(org: &str, key: &str) -> Result<String> {
    Ok(format!("{}/{}", keys(org)?, segment(key)?))
}
