//! Request and response types of `/api/v1`, used by `client` and `server` alike; one file a noun. No behaviour.
//!
//! Field names are those of the command line's `--json`. A field that may be missing is written as `null`,
//! never left out. Answers may grow fields; requests with a field that nobody knows are refused.
//!
//! Below `/api/v1`; `{org}`, `{node}`, `{token}`, `{key}` are an id or an unambiguous name, `{member}` and
//! `{invitation}` an id or an e-mail address, and a list takes a [`ListQuery`]:
//!
//! | route | request | answer |
//! |---|---|---|
//! | `GET /version` | | [`VersionAnswer`] |
//! | `POST /setup` | [`SetUp`] | 201 [`UserAnswer`] |
//! | `POST /sessions` | [`LogIn`] | 201 [`NewSession`] |
//! | `GET /sessions` | | [`SessionList`] |
//! | `DELETE /sessions/{session}` | | 204 |
//! | `GET /session` | | [`SessionAnswer`] |
//! | `DELETE /session` | | 204 |
//! | `GET /identities` | | [`IdentityList`] |
//! | `DELETE /identities/{identity}` | | [`IdentityAnswer`] |
//! | `GET /organizations` | | [`OrganizationList`] |
//! | `POST /organizations` | [`CreateOrganization`] | 201 [`OrganizationAnswer`] |
//! | `GET /organizations/{org}` | | [`OrganizationAnswer`] |
//! | `PATCH /organizations/{org}` | [`RenameOrganization`] | [`OrganizationAnswer`] |
//! | `DELETE /organizations/{org}` | [`ConfirmQuery`] | [`DeletedOrganization`] |
//! | `GET …/{org}/members` | | [`MemberList`] |
//! | `PATCH …/{org}/members/{member}` | [`SetRole`] | [`MemberAnswer`] |
//! | `DELETE …/{org}/members/{member}` | [`DepartureQuery`] | [`Departure`] |
//! | `DELETE …/{org}/membership` | [`DepartureQuery`] | [`Departure`] (one leaves) |
//! | `POST …/{org}/transfer` | [`Transfer`] | [`MemberAnswer`] |
//! | `GET …/{org}/invitations` | | [`InvitationList`] |
//! | `POST …/{org}/invitations` | [`Invite`] | 201 [`NewInvitation`] |
//! | `DELETE …/{org}/invitations/{invitation}` | | [`InvitationAnswer`] |
//! | `POST /invitations/accept` | [`AcceptInvitation`] | [`OrganizationAnswer`] |
//! | `GET …/{org}/tokens` | | [`TokenList`] |
//! | `POST …/{org}/tokens` | [`CreateToken`] | 201 [`NewToken`] |
//! | `GET …/{org}/tokens/{token}` | | [`TokenAnswer`] |
//! | `DELETE …/{org}/tokens/{token}` | | [`TokenAnswer`] |
//! | `GET …/{org}/keys` | | [`KeyList`] |
//! | `POST …/{org}/keys` | [`CreateKey`] | 201 [`NewKey`] |
//! | `DELETE …/{org}/keys/{key}` | | [`KeyAnswer`] |
//! | `POST …/{org}/keys/{key}/rotate` | [`RotateKey`] | [`NewKey`] |
//! | `GET …/{org}/key-policy` | | [`KeyPolicyAnswer`] |
//! | `PUT …/{org}/key-policy` | [`KeyPolicyAnswer`] | [`KeyPolicyAnswer`] |
//! | `GET …/{org}/apps` | | [`AppList`] |
//! | `POST …/{org}/apps` | [`RegisterApp`] | 201 [`NewApp`] |
//! | `GET …/{org}/apps/{app}` | | [`AppAnswer`] |
//! | `DELETE …/{org}/apps/{app}` | | [`AppAnswer`] |
//! | `GET …/{org}/grants` | | [`GrantList`] |
//! | `DELETE …/{org}/grants/{grant}` | | [`GrantAnswer`] |
//! | `GET /grants` | | [`GrantList`] (one's own) |
//! | `DELETE /grants/{grant}` | | [`GrantAnswer`] |
//! | `GET /deployer` | | [`JoinTarget`] |
//! | `POST /deployer/join` | | 201 [`JoinGrant`] |
//! | `GET …/{org}/nodes` | | [`NodeList`] |
//! | `GET …/{org}/nodes/{node}` | | [`NodeAnswer`] |
//! | `PATCH …/{org}/nodes/{node}` | [`RenameNode`] | [`NodeAnswer`] |
//! | `DELETE …/{org}/nodes/{node}` | | [`NodeAnswer`] |
//! | `POST …/{org}/nodes/{node}/expire` | | [`NodeAnswer`] |
//! | `PUT …/{org}/nodes/{node}/routes` | [`ApproveRoutes`] | [`NodeAnswer`] |
//! | `POST …/{org}/approvals` | [`ApproveNode`] | [`NodeAnswer`] |
//! | `GET …/{org}/audit` | [`AuditQuery`] | [`EventList`] |
//! | `GET /audit` | [`AuditQuery`] | [`EventList`] |
//! | `POST /join/check` | [`JoinRequest`] | [`JoinTarget`] (spends nothing) |
//! | `POST /join` | [`JoinRequest`] | 201 [`JoinGrant`] |
//! | `GET /worker` | | [`WorkerAnswer`] |
//! | `DELETE /worker` | | 204 |

mod app;
mod audit;
mod grant;
mod identity;
mod invitation;
mod join;
mod key;
mod member;
mod node;
mod organization;
mod page;
mod problem;
mod schema;
mod session;
mod token;
mod user;
mod version;
mod worker;

pub use app::{App, AppAnswer, AppList, NewApp, RegisterApp};
pub use audit::{AuditQuery, Event, EventList, EventOrder, EventResult, Party};
pub use grant::{AppName, Grant, GrantAnswer, GrantList};
pub use identity::{Identity, IdentityAnswer, IdentityList};
pub use invitation::{
    AcceptInvitation, Invitation, InvitationAnswer, InvitationList, InvitationStatus, Invite, MailReport,
    NewInvitation,
};
pub use join::{JoinGrant, JoinRequest, JoinTarget, MeshCredential};
pub use key::{CreateKey, Key, KeyAnswer, KeyList, KeyPolicy, KeyPolicyAnswer, NewKey, RotateKey, Scope};
pub use member::{Departure, DepartureQuery, Member, MemberAnswer, MemberList, SetRole, Transfer};
pub use node::{ApproveNode, ApproveRoutes, Node, NodeAnswer, NodeList, NodeRoutes, RenameNode};
pub use organization::{
    ConfirmQuery, CreateOrganization, DeletedOrganization, Organization, OrganizationAnswer,
    OrganizationList, OrganizationName, OrganizationRole, Realm, RenameOrganization,
};
pub use page::ListQuery;
pub use problem::Problem;
pub use session::{LogIn, NewSession, Session, SessionAnswer, SessionKind, SessionList};
pub use token::{CreateToken, NewToken, Token, TokenAnswer, TokenList};
pub use user::{SetUp, User, UserAnswer};
pub use version::VersionAnswer;
pub use worker::WorkerAnswer;

/// Where every route of this module begins.
pub const PREFIX: &str = "/api/v1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_written_where_it_is_shown_once_and_never_printed() {
        let asked = JoinRequest { token: crate::core::secret::Secret::new("wjt_x") };
        assert_eq!(serde_json::to_string(&asked).unwrap(), r#"{"token":"wjt_x"}"#);
        assert!(!format!("{asked:?}").contains("wjt_x"));
    }

    #[test]
    fn a_request_with_a_field_that_nobody_knows_is_refused() {
        assert!(serde_json::from_str::<CreateToken>(r#"{"ttl_seconds":60}"#).is_ok());
        assert!(serde_json::from_str::<CreateToken>(r#"{"ttl":60}"#).is_err());
    }

    #[test]
    fn ids_and_times_are_strings_with_a_format() {
        use utoipa::PartialSchema as _;
        let schema = serde_json::to_value(crate::core::id::NodeId::schema()).unwrap();
        assert_eq!((&schema["type"], &schema["format"]), (&"string".into(), &"uuid".into()));
    }
}
