//! What the audit trail can speak of: the one list of its actions. `service::audit` writes no other word, and
//! docs/audit.md is made from it.

use std::fmt;
use std::str::FromStr;

use super::{Error, Result};

macro_rules! actions {
    ($($(#[doc = $doc:literal])* $variant:ident = $word:literal, $of:ident;)*) => {
        /// Something that happened, as `NOUN.VERB`; the noun is what it happened to.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action { $($(#[doc = $doc])* $variant,)* }

        impl Action {
            /// Every one of them, in the order of the documents.
            pub const ALL: &[Action] = &[$(Action::$variant),*];

            pub const fn as_str(self) -> &'static str {
                match self { $(Action::$variant => $word,)* }
            }

            /// One sentence for people.
            pub fn meaning(self) -> &'static str {
                let said = match self { $(Action::$variant => concat!($($doc),*),)* };
                said.trim_start()
            }

            /// Whose affair it is.
            pub const fn concern(self) -> Concern {
                match self { $(Action::$variant => Concern::$of,)* }
            }
        }
    };
}

/// Whose affair an event is, and so who may read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concern {
    /// Its organization's owners and admins, and the coordinator's administrators.
    Organization,
    /// The coordinator's administrators alone.
    Coordinator,
    /// The organization's where one is known, else the coordinator's.
    Either,
}

actions! {
    /// An account was made.
    UserCreate = "user.create", Coordinator;
    /// An account was locked; its log-ins ended.
    UserDisable = "user.disable", Coordinator;
    /// An account was unlocked.
    UserEnable = "user.enable", Coordinator;
    /// An account was given another password; its log-ins ended.
    UserResetPassword = "user.reset_password", Coordinator;
    /// Somebody changed their own password.
    UserChangePassword = "user.change_password", Coordinator;
    /// Somebody logged in; what is named is where, and by what.
    SessionCreate = "session.create", Coordinator;
    /// Somebody logged out.
    SessionRevoke = "session.revoke", Coordinator;
    /// Somebody ended all their other log-ins.
    SessionRevokeOthers = "session.revoke_others", Coordinator;
    /// A log-in was refused. What was typed is not kept; an account that exists is named.
    SessionRefuse = "session.refuse", Coordinator;
    /// A password was right, and a second factor asked for.
    SessionAsk = "session.ask", Coordinator;
    /// Codes by time became a second factor of an account; its other log-ins ended if it was the first one.
    TotpEnable = "totp.enable", Coordinator;
    /// Codes by time are no second factor any more; the account's other log-ins ended.
    TotpDisable = "totp.disable", Coordinator;
    /// An account was given a passkey; its other log-ins ended if it was the first second factor.
    PasskeyCreate = "passkey.create", Coordinator;
    /// A passkey was removed; the account's other log-ins ended.
    PasskeyDelete = "passkey.delete", Coordinator;
    /// A passkey was refused whose counter went back: there may be a copy of it.
    PasskeyRefuse = "passkey.refuse", Coordinator;
    /// An account was given recovery codes; those from before are worth nothing.
    RecoveryCodeCreate = "recovery_code.create", Coordinator;
    /// A recovery code was used up.
    RecoveryCodeUse = "recovery_code.use", Coordinator;
    /// Who was logged in showed again who they are; what is named is by what.
    FactorProve = "factor.prove", Coordinator;
    /// Who was logged in was to show again who they are, and was refused.
    FactorRefuse = "factor.refuse", Coordinator;
    /// The second factors of an account were taken off on the coordinator's host; its log-ins ended.
    FactorReset = "factor.reset", Coordinator;
    /// A set-up code was refused.
    SetupRefuse = "setup.refuse", Coordinator;
    /// A provider was added.
    ProviderCreate = "provider.create", Coordinator;
    /// The settings of a provider were changed, or its client secret.
    ProviderUpdate = "provider.update", Coordinator;
    /// A provider was removed; the log-ins that came from it ended.
    ProviderDelete = "provider.delete", Coordinator;
    /// An account was connected with an identity at a provider.
    IdentityLink = "identity.link", Coordinator;
    /// An identity at a provider was taken from an account; the log-ins that came by it ended.
    IdentityUnlink = "identity.unlink", Coordinator;
    /// A log-in at a provider, or the connection with one, was refused or failed; the provider is named.
    IdentityRefuse = "identity.refuse", Coordinator;
    /// An organization came to be, with its realm.
    OrganizationCreate = "organization.create", Organization;
    /// An organization was given another name.
    OrganizationRename = "organization.rename", Organization;
    /// Another member became the owner.
    OrganizationTransfer = "organization.transfer", Organization;
    /// An organization was deleted, with all that it had.
    OrganizationDelete = "organization.delete", Organization;
    /// Somebody was invited.
    InvitationCreate = "invitation.create", Organization;
    /// An invitation was withdrawn.
    InvitationRevoke = "invitation.revoke", Organization;
    /// The invitations of somebody who left, or was removed, ended.
    InvitationRevokeAll = "invitation.revoke_all", Organization;
    /// Somebody became a member by an invitation.
    InvitationAccept = "invitation.accept", Organization;
    /// Somebody became a member by a provider's word.
    MemberAdd = "member.add", Organization;
    /// A member became an admin.
    MemberPromote = "member.promote", Organization;
    /// An admin became a member.
    MemberDemote = "member.demote", Organization;
    /// A member was removed.
    MemberRemove = "member.remove", Organization;
    /// A member left.
    MemberLeave = "member.leave", Organization;
    /// Somebody known asked for more than they may do.
    PermissionRefuse = "permission.refuse", Organization;
    /// A join token was made.
    TokenCreate = "token.create", Organization;
    /// A join token was revoked.
    TokenRevoke = "token.revoke", Organization;
    /// The join tokens of somebody who left, or was removed, ended.
    TokenRevokeAll = "token.revoke_all", Organization;
    /// A device spent a use of a join token.
    TokenRedeem = "token.redeem", Organization;
    /// A join token, or an auth key that it minted, was refused: unknown, over, used up, or used by another machine.
    TokenRefuse = "token.refuse", Either;
    /// An API key was made.
    KeyCreate = "key.create", Organization;
    /// An API key was given a new secret.
    KeyRotate = "key.rotate", Organization;
    /// An API key was revoked.
    KeyRevoke = "key.revoke", Organization;
    /// The API keys of somebody who left or was removed, or of an app whose grant ended, ended.
    KeyRevokeAll = "key.revoke_all", Organization;
    /// How old the secrets of API keys may get was set.
    KeySetPolicy = "key.set_policy", Organization;
    /// An API key was refused: unknown, revoked or expired.
    KeyRefuse = "key.refuse", Either;
    /// A device became a node.
    NodeJoin = "node.join", Organization;
    /// A device came back with a new key.
    NodeLogIn = "node.log_in", Organization;
    /// A device logged out.
    NodeLogOut = "node.log_out", Organization;
    /// A worker took itself out.
    NodeLeave = "node.leave", Organization;
    /// A waiting device was turned away.
    ApprovalRefuse = "approval.refuse", Either;
    /// A waiting device was let in.
    NodeApprove = "node.approve", Organization;
    /// A node was given another name.
    NodeRename = "node.rename", Organization;
    /// A node's key was ended.
    NodeExpire = "node.expire", Organization;
    /// The routes that a node may offer were set.
    NodeApproveRoutes = "node.approve_routes", Organization;
    /// A node was removed.
    NodeRemove = "node.remove", Organization;
    /// An ephemeral node stayed away and was removed.
    NodeForget = "node.forget", Organization;
    /// An app was registered.
    AppRegister = "app.register", Organization;
    /// An app was revoked, with all that was granted to it.
    AppRevoke = "app.revoke", Organization;
    /// An app did not prove who it is: a wrong secret, or none.
    AppRefuse = "app.refuse", Organization;
    /// Somebody granted an app access to an organization.
    GrantCreate = "grant.create", Organization;
    /// Somebody was asked to grant an app access, and refused.
    GrantRefuse = "grant.refuse", Coordinator;
    /// What was granted to an app ended.
    GrantRevoke = "grant.revoke", Organization;
    /// The tokens of a grant ended; the grant stays.
    GrantEndTokens = "grant.end_tokens", Organization;
    /// A code or refresh token was shown again after its use: what it led to ended.
    GrantReplay = "grant.replay", Organization;
    /// Somebody let in a device without a browser; where it asked from is named.
    DeviceApprove = "device.approve", Coordinator;
    /// Somebody turned such a device away.
    DeviceRefuse = "device.refuse", Coordinator;
    /// A platform's own machine was given credentials.
    DeployerJoin = "deployer.join", Organization;
    /// The password of the mail server was kept, sealed.
    MailSetPassword = "mail.set_password", Coordinator;
    /// The password of the mail server that was kept was forgotten.
    MailForgetPassword = "mail.forget_password", Coordinator;
    /// What is sealed was sealed with another master key.
    KeyRingRotate = "key_ring.rotate", Coordinator;
    /// What was sealed with a lost master key was forgotten.
    KeyRingReset = "key_ring.reset", Coordinator;
    /// The oldest events were deleted, as the retention says.
    AuditCut = "audit.cut", Coordinator;
}

impl Action {
    /// What it happened to: `node` of `node.join`.
    pub fn noun(self) -> &'static str {
        self.as_str().split_once('.').map_or(self.as_str(), |(noun, _)| noun)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Action {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Action::ALL.iter().find(|action| action.as_str() == text).copied().ok_or_else(|| unknown(text))
    }
}

fn unknown(text: &str) -> Error {
    let error = Error::usage("unknown_action", format!("nothing that is written down is called {text:?}"));
    match Action::ALL.iter().find(|action| strsim::levenshtein(action.as_str(), text) <= 3) {
        Some(close) => error.hint(format!("did you mean {close}?")),
        None => error.hint("docs/audit.md lists all actions; the noun alone (`node`) names all of its own"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_action_is_a_noun_and_a_verb_and_reads_back() {
        let is_word = |word: &str| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        for action in Action::ALL {
            let (noun, verb) = action.as_str().split_once('.').unwrap();
            assert!(is_word(noun) && is_word(verb), "{action}");
            assert_eq!((action.noun(), action.as_str().parse::<Action>().unwrap()), (noun, *action));
            assert!(action.meaning().ends_with('.'), "{action}: {}", action.meaning());
        }
        let words: BTreeSet<_> = Action::ALL.iter().map(|action| action.as_str()).collect();
        assert_eq!(words.len(), Action::ALL.len());
    }

    #[test]
    fn a_mistyped_action_gets_a_suggestion() {
        let error = "node.jion".parse::<Action>().unwrap_err();
        assert_eq!((error.code(), error.hint_text()), ("unknown_action", Some("did you mean node.join?")));
    }
}
