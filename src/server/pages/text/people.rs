//! What the pages of people, organizations and apps say.

pub mod member {
    pub const TITLE: &str = "Members";
    pub const LEAD: &str = "Who shares this network, and what they may do.";
    pub const PERSON: &str = "Person";
    pub const ROLE: &str = "Role";
    pub const JOINED: &str = "Since";
    pub const YOU: &str = "You";
    pub const DISABLED: &str = "Disabled";
    pub const ACT: &str = "Change…";
    pub const MAKE_ADMIN: &str = "Make an admin";
    pub const MAKE_MEMBER: &str = "Make a member";
    pub const MAKE_MEMBER_WORDS: &str = "The tokens, keys and apps that they made as an admin end.";
    pub const MAKE_ADMIN_WORDS: &str = "Admins manage devices, tokens, keys and apps, and invite members.";
    pub const TRANSFER: &str = "Make the owner";
    pub const TRANSFER_WORDS: &str = "You are an admin then. Only the new owner can take this back.";
    pub const REMOVE: &str = "Remove";
    pub const REMOVE_WORDS: &str =
        "Their tokens, keys, apps and invitations for this organization end at once.";
    pub const EXPIRE: &str = "Cut off their devices too";
    pub const INVITE: &str = "Invite somebody";
    pub const INVITE_LEAD: &str =
        "They log in with this e-mail address, and open the link that you get here.";
    pub const ROLE_MEMBER: &str = "Member: sees the devices";
    pub const ROLE_ADMIN: &str = "Admin: manages everything but the organization itself";
    pub const TTL: &str = "Good for";
    pub const SEND: &str = "Invite";
    pub const MAIL: &str = "Mail them the link";
    pub const MAIL_HINT: &str = "You get it here in any case.";
    pub const MAILED: &str = "It is on its way to them by mail.";
    pub const OPEN: &str = "Invitations";
    pub const NONE: &str = "No invitation is open.";
    pub const MADE: &str = "Send them this link";
    pub const MADE_WORDS: &str =
        "It is shown this once, and good for the account of this e-mail address alone:";
    pub const LINK: &str = "Link";
    pub const ENDS: &str = "It ends";
    pub const BY: &str = "invited by";
    pub const ACCEPTED: &str = "Accepted";
    pub const OPEN_STATE: &str = "Open";
    pub const REVOKE_WORDS: &str = "The link is worth nothing any more.";
    pub const REVOKED: &str = "The invitation was revoked.";

    pub fn changed(email: &str, role: &str) -> String {
        format!("{email} is {role} now.")
    }

    pub fn removed(email: &str) -> String {
        format!("{email} is no longer a member.")
    }
}

pub mod invitation {
    pub const TITLE: &str = "You are invited";
    pub const TO: &str = "to";
    pub const AS: &str = "as";
    pub const BY: &str = "Invited by";
    pub const ENDS: &str = "The invitation ends";
    pub const ACCEPT: &str = "Accept";
    pub const LATER: &str = "Not now";

    pub fn accepted(organization: &str) -> String {
        format!("You are now part of {organization}.")
    }
}

pub mod organization {
    pub const NEW: &str = "New organization";
    pub const NEW_LEAD: &str =
        "A network of its own, with people that you invite. Nothing crosses to another one.";
    pub const NAME: &str = "Name";
    pub const CREATE: &str = "Make it";
    pub const CREATED: &str = "Your organization is ready. Invite people, or add a device.";
    pub const TITLE: &str = "Organization";
    pub const RENAME: &str = "Name";
    pub const RENAME_LEAD: &str = "The domain of its network stays as it is.";
    pub const SAVE: &str = "Save";
    pub const RENAMED: &str = "The name is changed.";
    pub const LEAVE: &str = "Leave this organization…";
    pub const LEAVE_WORDS: &str =
        "What you made in it ends: tokens, keys, apps. Your devices stay unless you say so.";
    pub const LEAVE_DEVICES: &str = "Cut off my devices too";
    pub const LEAVE_YES: &str = "Leave";
    pub const DELETE: &str = "Delete this organization…";
    pub const DELETE_WORDS: &str =
        "Its devices are cut off, and its members, tokens, keys and apps are gone. This cannot be undone.";
    pub const DELETE_NAME: &str = "Type its name to go on";
    pub const DELETE_YES: &str = "Delete it";
    pub const PERSONAL: &str = "This is your own organization: it goes with your account.";
    pub const DANGERS: &str = "Leave or delete";

    pub fn left(name: &str) -> String {
        format!("You have left {name}.")
    }

    pub fn deleted(name: &str) -> String {
        format!("{name} was deleted.")
    }
}

pub mod app {
    pub const TITLE: &str = "Apps";
    pub const LEAD: &str =
        "Platforms and programs that people let in with one click, instead of copying a key.";
    pub const REGISTERED: &str = "Registered here";
    pub const NONE: &str = "No app is registered";
    pub const NONE_WORDS: &str = "Register one to let a platform of yours ask for access to networks here.";
    pub const REGISTER: &str = "Register an app";
    pub const APP: &str = "App";
    pub const LEADS_TO: &str = "Leads back to";
    pub const KIND: &str = "Kind";
    pub const PUBLIC: &str = "Public";
    pub const CONFIDENTIAL: &str = "With a secret";
    pub const GRANTS: &str = "Let in";
    pub const GRANTS_LEAD: &str =
        "What members have allowed apps to do here. Ending it takes effect at once.";
    pub const NOBODY: &str = "No app has been let in.";
    pub const BY: &str = "by";
    pub const MAY: &str = "May";
    pub const USED: &str = "Last used";
    pub const END: &str = "End";
    pub const ENDED: &str = "That access has ended.";
    pub const REVOKE_WORDS: &str = "Whoever let it in is cut off from it at once.";
    pub const NEW: &str = "Register an app";
    pub const NEW_LEAD: &str = "You get an identifier, and a secret if it can keep one.";
    pub const NAME: &str = "Name";
    pub const NAME_HINT: &str = "What people read when they are asked to let it in.";
    pub const REDIRECTS: &str = "Redirect URIs";
    pub const REDIRECTS_HINT: &str = "One a line: where browsers are led back to.";
    pub const AFTER: &str = "After a log-out";
    pub const AFTER_HINT: &str =
        "One a line: where the app may have browsers led when it logs people out here.";
    pub const IS_PUBLIC: &str = "It cannot keep a secret";
    pub const IS_PUBLIC_HINT: &str = "A program on a phone or a desktop.";
    pub const MOST: &str = "The most that it may ask for";
    pub const ID: &str = "Client identifier";
    pub const SECRET: &str = "Client secret";
    pub const ONCE: &str = "Copy the secret now: it is shown this once.";
    pub const NO_SECRET: &str = "It has no secret: it proves itself with PKCE.";
    pub const OWN: &str = "Apps that you let in";
    pub const OWN_LEAD: &str = "They act for you in the organization that you chose.";

    pub fn revoked(name: &str) -> String {
        format!("{name} was revoked.")
    }
}

pub mod audit {
    pub const TITLE: &str = "Audit";
    pub const LEAD: &str = "Who did what, to what, and from where. Nobody can change it.";
    pub const ALL_TITLE: &str = "Audit of the coordinator";
    pub const ALL_LEAD: &str =
        "What happened on this coordinator and in all its organizations. Nobody can change it.";
    pub const SINCE: &str = "From (UTC)";
    pub const UNTIL: &str = "To (UTC)";
    pub const WHEN: &str = "When";
    pub const WHO: &str = "Who";
    pub const WHAT: &str = "What";
    pub const RESULT: &str = "Result";
    pub const ORGANIZATION: &str = "Organization";
    pub const FROM: &str = "From";
    pub const BY: &str = "by";
    pub const REQUEST: &str = "request";
    pub const SHOW: &str = "Show";
    pub const SHOW_ALL: &str = "Show everything";
    pub const ANYTHING: &str = "Anything";
    pub const ANY_RESULT: &str = "Any";
    pub const DONE: &str = "Done";
    pub const REFUSED_ALONE: &str = "Refused";
    pub const REFUSED: &str = "Refused:";
    pub const COORDINATOR: &str = "The coordinator";
    pub const DELETED: &str = "Deleted";
    pub const OLDER: &str = "Older";
    pub const NEWEST: &str = "Back to the newest";
    pub const NONE: &str = "No event fits";
    pub const NONE_WORDS: &str = "Ask for more days, or for less at once. A name counts as it was written: an e-mail address, or the name of a key or device.";
    pub const NOT_YET: &str = "None of the latest events fits";
    pub const NOT_YET_WORDS: &str = "The trail goes on: look at older ones.";
    pub const QUIET: &str = "Nothing has happened yet";
    pub const QUIET_WORDS: &str = "Whatever people, keys, apps and devices do or try shows here.";

    /// Who acts, where it is no person.
    pub fn actor_kind(kind: &str) -> Option<&'static str> {
        match kind {
            "api_key" => Some("API key"),
            "app" => Some("App"),
            "node" => Some("Device"),
            "local" => Some("On the coordinator's host"),
            "coordinator" => Some("By itself"),
            "nobody" => Some("Not let in"),
            _ => None,
        }
    }

    pub fn all_of(noun: &str) -> String {
        format!("{noun}: all")
    }

    pub fn unwritten(count: i64) -> String {
        format!("{count} more before it.")
    }
}
