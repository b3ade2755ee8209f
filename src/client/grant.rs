//! What people allowed apps: one's own grants, or those of an organization.

use ureq::http::Method;

use super::call::{NOTHING, segment};
use super::{Client, organization};
use crate::api::{Grant, GrantAnswer, GrantList};
use crate::core::Result;

impl Client {
    /// `org`: what anybody allowed in it; none: what the caller did.
    pub fn grants(&self, org: Option<&str>) -> Result<Vec<Grant>> {
        self.list(&grants(org)?, |page: GrantList| (page.grants, page.next_cursor))
    }

    pub fn revoke_grant(&self, org: Option<&str>, id: &str) -> Result<Grant> {
        let path = format!("{}/{}", grants(org)?, segment(id)?);
        self.call(Method::DELETE, &path, NOTHING).map(|answer: GrantAnswer| answer.grant)
    }
}

fn grants(org: Option<&str>) -> Result<String> {
    match org {
        Some(org) => Ok(format!("{}/grants", organization::path(org)?)),
        None => Ok("/grants".to_owned()),
    }
}
