//! Organizations.

use super::Client;
use super::call::segment;
use crate::api::{Organization, OrganizationAnswer, OrganizationList};
use crate::core::Result;

impl Client {
    /// The caller's organizations.
    pub fn organizations(&self) -> Result<Vec<Organization>> {
        self.list("/organizations", |page: OrganizationList| (page.organizations, page.next_cursor))
    }

    /// One organization, by id or name.
    pub fn organization(&self, org: &str) -> Result<Organization> {
        self.get(&path(org)?).map(|answer: OrganizationAnswer| answer.organization)
    }
}

/// `/organizations/{org}`.
pub(super) fn path(org: &str) -> Result<String> {
    Ok(format!("/organizations/{}", segment(org)?))
}
