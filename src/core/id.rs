//! Identifiers: one newtype a noun, so that no id stands where another is meant.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

use super::{Error, Result, Timestamp};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $noun:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id (UUIDv7, RFC 9562 section 5.7): ids made later sort later.
            pub fn new(at: Timestamp) -> Self {
                let (seconds, nanos) = at.as_unix();
                Self(Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos)))
            }

            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                Uuid::try_parse(text).map(Self).map_err(|_| {
                    Error::usage("malformed_id", format!("{text:?} is not the id of a {}", $noun))
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    )*};
}

ids! {
    /// A person with an account.
    UserId = "user";
    /// People with roles who share a realm.
    OrgId = "organization";
    /// An isolated mesh.
    RealmId = "realm";
    /// A device in a realm.
    NodeId = "node";
    /// What a person pastes on a device.
    TokenId = "token";
    /// One use of a join token, with the auth key that it minted.
    RedemptionId = "redemption";
    /// What an integration holds.
    ApiKeyId = "key";
    /// A log-in of the command line or of a browser.
    SessionId = "session";
    /// One row of the audit trail.
    EventId = "event";
    /// A device that waits for a person's approval.
    ApprovalId = "approval";
    /// A third-party OAuth 2.0 client; its id is the `client_id`.
    AppId = "app";
    /// What a person allowed an app to do in one organization.
    GrantId = "grant";
    /// The tokens that come of one authorization, one after another.
    FamilyId = "token family";
    /// A key that ID tokens are signed with; its id is the `kid`.
    SigningKeyId = "signing key";
    /// What lets somebody become a member.
    InvitationId = "invitation";
    /// What an account can be opened with in the place of a password.
    PasskeyId = "passkey";
}

/// The number by which the coordination protocol knows a node (`tailcfg.NodeID`): positive, from one
/// sequence for the whole coordinator, never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeNumber(pub i64);

/// The number by which the coordination protocol knows a user (`tailcfg.UserID`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserNumber(pub i64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_the_time_they_were_made() {
        let early = NodeId::new(Timestamp::from_millis(1_000));
        let late = NodeId::new(Timestamp::from_millis(2_000));
        assert!(early < late);
    }

    #[test]
    fn an_id_reads_back_from_its_text() {
        let id = TokenId::new(Timestamp::from_millis(1_700_000_000_000));
        assert_eq!(id.to_string().parse::<TokenId>().unwrap(), id);
        assert_eq!("pi".parse::<TokenId>().unwrap_err().code(), "malformed_id");
    }
}
