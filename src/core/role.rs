//! Who may do what: the roles of an organization, the scopes of what acts for it, and the one table that says
//! which permission needs which. `service::authority` reads it; nothing else decides about rights.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

use super::{Error, Result};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident ($noun:literal) { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)* }

        impl $name {
            /// Every one of them.
            pub const ALL: &[$name] = &[$($name::$variant),*];

            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                match text {
                    $($word => Ok($name::$variant),)*
                    _ => Err(Error::usage(
                        concat!("unknown_", $noun),
                        format!(concat!("{:?} is not a ", $noun), text),
                    )
                    .hint(concat!("there are:" $(, " ", $word)*))),
                }
            }
        }
    };
}

words! {
    /// What a member is in an organization; each may do all that those before it may.
    Role("role") {
        Member = "member",
        Admin = "admin",
        Owner = "owner",
    }
}

words! {
    /// What an API key, or a third-party app, may do in its organization. Join tokens count as nodes.
    Scope("scope") {
        NodesRead = "nodes:read",
        NodesWrite = "nodes:write",
        KeysRead = "keys:read",
        KeysWrite = "keys:write",
        ProfileRead = "profile:read",
    }
}

/// Something that can be allowed. A type of its own each, so that authority for one is not authority for
/// another.
pub trait Permission: Send + Sync + 'static {
    /// In `snake_case`, for the log.
    const NAME: &'static str;
    /// The least role of a person.
    const ROLE: Role;
    /// The scope of an API key or app; none: only people may.
    const SCOPE: Option<Scope>;
}

macro_rules! permissions {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal, $role:ident, $scope:expr;)*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug)]
        pub enum $name {}

        impl Permission for $name {
            const NAME: &'static str = $text;
            const ROLE: Role = Role::$role;
            const SCOPE: Option<Scope> = $scope;
        }
    )*

        /// The whole table: name, least role, scope.
        pub const PERMISSIONS: &[(&str, Role, Option<Scope>)] = &[$(($text, Role::$role, $scope)),*];

        /// What each permission is for, in words and in the order of [`PERMISSIONS`]; for docs/permissions.md.
        pub const MEANINGS: &[&str] = &[$(concat!($($doc),*)),*];
    };
}

permissions! {
    /// See the organization, its realm and one's own role.
    ViewOrganization = "view_organization", Member, Some(Scope::ProfileRead);
    /// See who is a member, and as what.
    ViewMembers = "view_members", Member, None;
    /// See the nodes of the realm.
    ViewNodes = "view_nodes", Member, Some(Scope::NodesRead);
    /// Rename, expire and remove nodes, approve them and their routes.
    ManageNodes = "manage_nodes", Admin, Some(Scope::NodesWrite);
    /// See join tokens.
    ViewJoinTokens = "view_join_tokens", Admin, Some(Scope::NodesRead);
    /// Make and revoke join tokens.
    CreateJoinTokens = "create_join_tokens", Admin, Some(Scope::NodesWrite);
    /// See API keys.
    ViewApiKeys = "view_api_keys", Admin, Some(Scope::KeysRead);
    /// Make, rotate and revoke API keys.
    ManageApiKeys = "manage_api_keys", Admin, Some(Scope::KeysWrite);
    /// See the apps of the organization, and what was granted to any app for it.
    ViewApps = "view_apps", Admin, None;
    /// Register and revoke apps, and end what was granted to any app for the organization.
    ManageApps = "manage_apps", Admin, None;
    /// Read the organization's audit trail.
    ViewAudit = "view_audit", Admin, None;
    /// Invite people as members, see and revoke invitations.
    InviteMembers = "invite_members", Admin, None;
    /// Remove members.
    RemoveMembers = "remove_members", Admin, None;
    /// Rename the organization, and set the rules that its keys follow.
    ManageOrganization = "manage_organization", Admin, None;
    /// Make members admins and admins members; invite, or remove, an admin.
    ManageAdmins = "manage_admins", Owner, None;
    /// Make somebody else the owner.
    TransferOwnership = "transfer_ownership", Owner, None;
    /// Delete the organization with all that it has.
    DeleteOrganization = "delete_organization", Owner, None;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_ordered_and_read_back() {
        assert!(Role::Owner > Role::Admin && Role::Admin > Role::Member);
        for role in Role::ALL {
            assert_eq!(role.as_str().parse::<Role>().unwrap(), *role);
        }
        assert_eq!("king".parse::<Role>().unwrap_err().code(), "unknown_role");
        assert!("nodes".parse::<Scope>().unwrap_err().hint_text().unwrap().contains("nodes:read"));
    }

    #[test]
    fn members_look_at_nodes_and_change_nothing() {
        let open_to_members: Vec<_> =
            PERMISSIONS.iter().filter(|(_, role, _)| *role == Role::Member).map(|(name, ..)| *name).collect();
        assert_eq!(open_to_members, ["view_organization", "view_members", "view_nodes"]);
    }

    #[test]
    fn a_scope_to_read_changes_nothing() {
        for (name, _, scope) in PERMISSIONS {
            let reads = matches!(scope, Some(Scope::NodesRead | Scope::KeysRead | Scope::ProfileRead));
            assert!(!reads || name.starts_with("view_"), "{name}");
        }
    }
}
