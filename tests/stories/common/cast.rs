//! Everybody who may call a coordinator, and what the table of permissions says becomes of their calls.

use serde_json::json;
use std::time::Duration;

use wonder::core::role::{PERMISSIONS, Role, Scope};

use super::api::Coordinator;
use super::oauth::Client;

/// Everybody who may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    Owner,
    Admin,
    Member,
    /// An API key of the organization, with every scope.
    Key,
    /// Somebody with an account, and an organization of their own.
    Outsider,
    /// An API key of the outsider's, with every scope.
    ForeignKey,
    /// No credential that is good.
    Nobody,
}

pub const EVERYBODY: [Who; 7] =
    [Who::Owner, Who::Admin, Who::Member, Who::Key, Who::Outsider, Who::ForeignKey, Who::Nobody];

/// What has to become of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is looked into: whatever else is wrong with it, it is not who called.
    Allowed,
    RoleTooLow,
    PeopleOnly,
    /// The organization does not exist.
    Unknown,
    NotLoggedIn,
}

/// What the table says of `who` and the permission called `name`.
pub fn by_the_table(name: &str, who: Who) -> Outcome {
    let (_, least, scope) = PERMISSIONS.iter().find(|(known, ..)| *known == name).expect("a permission");
    let of_role = |role: Role| if role >= *least { Outcome::Allowed } else { Outcome::RoleTooLow };
    match who {
        Who::Owner => of_role(Role::Owner),
        Who::Admin => of_role(Role::Admin),
        Who::Member => of_role(Role::Member),
        Who::Key if scope.is_some() => Outcome::Allowed,
        Who::Key => Outcome::PeopleOnly,
        Who::Outsider | Who::ForeignKey => Outcome::Unknown,
        Who::Nobody => Outcome::NotLoggedIn,
    }
}

/// The code of a failure, and what it means here.
pub fn outcome(code: &str) -> Outcome {
    match code {
        "role_too_low" | "administrators_only" => Outcome::RoleTooLow,
        "people_only" => Outcome::PeopleOnly,
        "organization_not_found" => Outcome::Unknown,
        "not_logged_in" | "key_unknown" | "worker_key_unknown" => Outcome::NotLoggedIn,
        _ => Outcome::Allowed,
    }
}

/// A coordinator with everybody on it.
pub struct Cast {
    pub c: Coordinator,
    owner: String,
    admin: String,
    member: String,
    outsider: String,
    foreign_key: String,
}

/// An organization, and what only it has.
pub struct Stage {
    pub org: String,
    key: String,
}

impl Cast {
    pub async fn gather() -> Cast {
        let c = Coordinator::on_sqlite().await;
        let (owner, _) = c.person("owner@example.org").await;
        let (admin, _) = c.person("admin@example.org").await;
        let (member, _) = c.person("member@example.org").await;
        let (outsider, own) = c.person("outsider@example.org").await;
        let foreign_key = key(&c, &outsider, &own).await;
        Cast { c, owner, admin, member, outsider, foreign_key }
    }

    /// A new organization, so that nothing that was done before is in the way.
    pub async fn stage(&self) -> Stage {
        let made = self.c.post("/api/v1/organizations", &self.owner, json!({ "name": "acme" })).await;
        let org = made.body["organization"]["id"].as_str().unwrap().to_owned();
        for (bearer, name) in [(&self.admin, "admin"), (&self.member, "member")] {
            let whom = json!({ "email": format!("{name}@example.org"), "role": name });
            let path = format!("/api/v1/organizations/{org}/invitations");
            // The clock stands still here, and inviting is limited.
            self.c.later(Duration::from_secs(60));
            let invited = self.c.post(&path, &self.owner, whom).await;
            let code = json!({ "code": invited.text("code") });
            assert_eq!(self.c.post("/api/v1/invitations/accept", bearer, code).await.status, 200);
        }
        let key = key(&self.c, &self.owner, &org).await;
        Stage { org, key }
    }

    /// An API key of the owner's with this scope alone.
    pub async fn key(&self, stage: &Stage, scope: Scope) -> String {
        key_of(&self.c, &self.owner, &stage.org, &[scope]).await
    }

    /// The token of an app of the owner's with this scope alone.
    pub async fn app(&self, stage: &Stage, scope: Scope) -> String {
        let asked = json!({ "client_name": scope, "organization": stage.org, "scope": scope });
        let made = self.c.post("/oauth/clients", &self.owner, asked).await;
        let client = Client {
            address: self.c.address,
            id: made.text("client_id").to_owned(),
            secret: Some(made.text("client_secret").to_owned()),
            redirect: String::new(),
        };
        let page = client.token(&[("grant_type", "client_credentials")]);
        page.json()["access_token"].as_str().unwrap().to_owned()
    }

    pub async fn strike(&self, stage: Stage) {
        let path = format!("/api/v1/organizations/{}?confirm=acme", stage.org);
        self.c.call("DELETE", &path, Some(&self.owner), None).await;
    }

    pub fn bearer<'a>(&'a self, who: Who, stage: &'a Stage) -> &'a str {
        match who {
            Who::Owner => &self.owner,
            Who::Admin => &self.admin,
            Who::Member => &self.member,
            Who::Key => &stage.key,
            Who::Outsider => &self.outsider,
            Who::ForeignKey => &self.foreign_key,
            Who::Nobody => "wcs_nobody",
        }
    }
}

/// An API key with every scope.
async fn key(c: &Coordinator, bearer: &str, org: &str) -> String {
    key_of(c, bearer, org, Scope::ALL).await
}

async fn key_of(c: &Coordinator, bearer: &str, org: &str, scopes: &[Scope]) -> String {
    let wish = json!({ "name": "a key", "scopes": scopes });
    let made = c.post(&format!("/api/v1/organizations/{org}/keys"), bearer, wish).await;
    made.text("secret").to_owned()
}
