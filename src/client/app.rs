//! Apps: OAuth 2.0 clients of third parties.

use ureq::http::Method;

use super::call::{NOTHING, segment};
use super::{Client, organization};
use crate::api::{App, AppAnswer, AppList, NewApp, RegisterApp};
use crate::core::Result;

impl Client {
    pub fn register_app(&self, org: &str, what: &RegisterApp) -> Result<NewApp> {
        self.call(Method::POST, &apps(org)?, Some(what))
    }

    pub fn apps(&self, org: &str) -> Result<Vec<App>> {
        self.list(&apps(org)?, |page: AppList| (page.apps, page.next_cursor))
    }

    /// An app by id or name.
    pub fn app(&self, org: &str, app: &str) -> Result<App> {
        self.get(&one(org, app)?).map(|answer: AppAnswer| answer.app)
    }

    pub fn revoke_app(&self, org: &str, app: &str) -> Result<App> {
        self.call(Method::DELETE, &one(org, app)?, NOTHING).map(|answer: AppAnswer| answer.app)
    }
}

fn apps(org: &str) -> Result<String> {
    Ok(format!("{}/apps", organization::path(org)?))
}

fn one(org: &str, app: &str) -> Result<String> {
    Ok(format!("{}/{}", apps(org)?, segment(app)?))
}
