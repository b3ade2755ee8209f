//! Members of organizations.

use ureq::http::Method;

use super::call::{NOTHING, segment};
use super::{Client, organization};
use crate::api::{Departure, Member, MemberAnswer, MemberList, OrganizationRole, SetRole, Transfer};
use crate::core::Result;

impl Client {
    pub fn members(&self, org: &str) -> Result<Vec<Member>> {
        self.list(&members(org)?, |page: MemberList| (page.members, page.next_cursor))
    }

    /// Makes a member, by e-mail address or id, an admin or a member.
    pub fn set_role(&self, org: &str, who: &str, role: OrganizationRole) -> Result<Member> {
        self.call(Method::PATCH, &one(org, who)?, Some(&SetRole { role }))
            .map(|answer: MemberAnswer| answer.member)
    }

    pub fn remove_member(&self, org: &str, who: &str, expire_devices: bool) -> Result<Departure> {
        self.call(Method::DELETE, &format!("{}?expire_devices={expire_devices}", one(org, who)?), NOTHING)
    }

    /// The caller leaves.
    pub fn leave_organization(&self, org: &str, expire_devices: bool) -> Result<Departure> {
        let path = format!("{}/membership?expire_devices={expire_devices}", organization::path(org)?);
        self.call(Method::DELETE, &path, NOTHING)
    }

    /// Makes another member the owner.
    pub fn transfer_organization(&self, org: &str, who: &str) -> Result<Member> {
        let to = Transfer { member: who.to_owned() };
        self.call(Method::POST, &format!("{}/transfer", organization::path(org)?), Some(&to))
            .map(|answer: MemberAnswer| answer.member)
    }
}

fn members(org: &str) -> Result<String> {
    Ok(format!("{}/members", organization::path(org)?))
}

fn one(org: &str, who: &str) -> Result<String> {
    Ok(format!("{}/{}", members(org)?, segment(who)?))
}
