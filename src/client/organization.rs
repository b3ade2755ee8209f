//! Organizations.

use ureq::http::Method;

use super::Client;
use super::call::{NOTHING, query_pair, segment};
use crate::api::{
    CreateOrganization, DeletedOrganization, Organization, OrganizationAnswer, OrganizationList,
    RenameOrganization,
};
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

    pub fn create_organization(&self, name: &str) -> Result<Organization> {
        let what = CreateOrganization { name: name.to_owned() };
        self.call(Method::POST, "/organizations", Some(&what))
            .map(|answer: OrganizationAnswer| answer.organization)
    }

    pub fn rename_organization(&self, org: &str, name: &str) -> Result<Organization> {
        let what = RenameOrganization { name: name.to_owned() };
        self.call(Method::PATCH, &path(org)?, Some(&what))
            .map(|answer: OrganizationAnswer| answer.organization)
    }

    /// Deletes an organization, by id or name; `confirm` is its name.
    pub fn delete_organization(&self, org: &str, confirm: &str) -> Result<DeletedOrganization> {
        self.call(Method::DELETE, &format!("{}?{}", path(org)?, query_pair("confirm", confirm)), NOTHING)
    }
}

/// `/organizations/{org}`.
pub(super) fn path(org: &str) -> Result<String> {
    Ok(format!("/organizations/{}", segment(org)?))
}
