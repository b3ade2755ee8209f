//! What the pages say of log-ins elsewhere, and of log-outs that come from there.

pub const TITLE: &str = "Log in";
pub const WITH: &str = "Log in with ";
pub const OR: &str = "or";
pub const ELSEWHERE: &str = "You log in to this coordinator with one of these:";
pub const LEADING: &str = "On to ";
pub const GO_ON: &str = "Go on";
pub const LINKED: &str = "opens your account from now on.";

/// Ways to log in.
pub mod identity {
    pub const TITLE: &str = "Ways to log in";
    pub const LEAD: &str = "Whoever you are at these providers opens your account here.";
    pub const NONE: &str = "No provider opens your account.";
    pub const CONNECT: &str = "Connect ";
    pub const PROVIDER: &str = "Provider";
    pub const SUBJECT: &str = "Known there as";
    pub const USED: &str = "Last used";
    pub const GONE: &str = "not offered here any more";
    pub const DISCONNECT: &str = "Disconnect";
    pub const DISCONNECT_WORDS: &str = "It opens your account no more: log-ins that came by it end at once, this one \
        too if it did, and so do the memberships that its rules made.";
    pub const DISCONNECT_YES: &str = "Disconnect it";

    pub fn disconnected(title: &str) -> String {
        format!("{title} does not open your account any more.")
    }
}

pub mod end_session {
    pub const TITLE: &str = "Log out?";
    pub const ASKS: &str = " asks whether you want to log out of";
    pub const SOMEBODY_ASKS: &str = "You are asked whether you want to log out of";
    pub const THEN: &str = "Afterwards your browser goes to ";
    pub const YES: &str = "Log out";
    pub const NO: &str = "Stay logged in";
    pub const DONE: &str = "You are logged out";
    pub const DONE_WORDS: &str = "Nobody is logged in with this browser.";
    pub const BACK_TO: &str = "Back to ";
    pub const AGAIN: &str = "Log in again";
}

/// The pages of whoever administers the coordinator.
pub mod admin {
    pub const TITLE: &str = "Providers";
    pub const LEAD: &str = "Where people log in with an account that they have elsewhere (OpenID Connect).";
    pub const ADD: &str = "Add a provider";
    pub const NONE: &str = "No provider yet";
    pub const NONE_WORDS: &str =
        "Add yours, like Keycloak, Authentik or GitLab, and people log in here the way they already do.";
    pub const PROVIDER: &str = "Provider";
    pub const STATE: &str = "When last asked";
    pub const PEOPLE: &str = "People";
    pub const REACHED: &str = "Reachable";
    pub const NOT_REACHED: &str = "Not usable";
    pub const NOT_ASKED: &str = "Not asked yet";
    pub const ASK: &str = "Ask it now";
    pub const ASK_ALL: &str = "Ask them all now";
    pub const ASKED: &str = "It was asked just now.";
    pub const ASKED_ALL: &str = "They were asked just now.";
    pub const OF_FILE: &str = "settings file";
    pub const SETTINGS: &str = "Settings";
    pub const NAME: &str = "Name";
    pub const NAME_HINT: &str = "What it is called in paths: up to 32 of a-z, 0-9 and -, like keycloak.";
    pub const ISSUER: &str = "Issuer";
    pub const ISSUER_HINT: &str =
        "Letter by letter as its discovery document says, like https://id.example.org/realms/home.";
    pub const CLIENT_ID: &str = "Client ID";
    pub const CLIENT_ID_HINT: &str = "What the provider knows this coordinator as.";
    pub const SECRET: &str = "Client secret";
    pub const SECRET_HINT: &str = "Kept sealed, and never shown again. Left empty: a public client.";
    pub const LABEL: &str = "Label";
    pub const LABEL_HINT: &str = "What its button says; left empty, the name.";
    pub const SCOPES: &str = "Scopes";
    pub const SCOPES_HINT: &str = "What is asked for beside openid.";
    pub const CREATE: &str = "Makes accounts";
    pub const CREATE_HINT: &str = "Whoever logs in there and has no account here gets one.";
    pub const LINK: &str = "Opens accounts by e-mail address";
    pub const BEARER: &str = "Tokens at the API";
    pub const YES: &str = "Yes";
    pub const NO: &str = "No";
    pub const RULES: &str = "Rules";
    pub const RULES_LEAD: &str = "Whoever has this value in this claim is a member by it.";
    pub const NO_RULES: &str = "Nobody becomes a member of an organization by what it says.";
    pub const RULES_HINT: &str =
        "One a line, if any, for organizations where you could invite for that role: ";
    pub const RULES_EXAMPLE: &str = "groups=operators:ORGANIZATION-ID:admin";
    pub const NO_ORGANIZATION: &str = "an organization that is not there";
    pub const ADDRESSES: &str = "What to tell the provider";
    pub const ADDRESSES_LEAD: &str =
        "Register a client of the authorization code flow there, with these addresses.";
    pub const REDIRECT: &str = "Redirect URI";
    pub const LOGGED_OUT: &str = "After a log-out there";
    pub const BACK_CHANNEL: &str = "Back-channel logout";
    pub const ADD_LEAD: &str =
        "Its name comes first: the addresses that you register at the provider follow from it.";
    pub const NEXT: &str = "Go on";
    pub const OTHER_NAME: &str = "Another name";
    pub const REST: &str = "What the provider says";
    pub const REST_LEAD: &str =
        "It is asked before it is kept, so that a mistake shows here and not at somebody's log-in.";
    pub const SAVE: &str = "Try it and add it";
    pub const UNTRIED: &str = "Add it all the same";
    pub const UNTRIED_HINT: &str =
        "Without asking it: nobody can log in there until what is wrong is mended.";
    pub const EDIT: &str = "Change it";
    pub const EDIT_LEAD: &str = "People who have connected it stay connected.";
    pub const EDIT_SAVE: &str = "Save";
    pub const ISSUER_STAYS: &str =
        "It stays: people are known by it. A provider with another issuer is one to add, beside this one.";
    pub const NEW_SECRET_HINT: &str = "Kept sealed, and never shown again. Left empty: the one that it has.";
    pub const PUBLIC: &str = "Without a secret";
    pub const PUBLIC_HINT: &str = "The provider knows this coordinator as a public client from now on.";
    pub const OUT: &str = "Take it out";
    pub const REMOVE: &str = "Remove this provider…";
    pub const REMOVE_WORDS: &str = "Log-ins that came from it end at once, and so do the memberships that its rules made, \
        with the tokens, keys and apps that came of them. Accounts and devices stay. Whoever has neither a password \
        nor another provider cannot log in until you give them a password with wonder user reset-password.";
    pub const REMOVE_YES: &str = "Remove it";
    pub const FILE_WORDS: &str =
        "This provider is of the coordinator's settings file. Change it or take it out there, and restart.";

    pub fn people(count: i64) -> String {
        match count {
            0 => "Nobody has connected it.".to_owned(),
            1 => "One person has connected it.".to_owned(),
            _ => format!("{count} people have connected it."),
        }
    }

    pub fn type_name(name: &str) -> String {
        format!("Type {name} to go on")
    }

    pub fn added(title: &str) -> String {
        format!("{title} was tried and added. It is on the log-in page.")
    }

    pub fn edited(title: &str) -> String {
        format!("{title} was changed.")
    }

    pub fn removed(title: &str) -> String {
        format!("{title} was removed. Accounts stay.")
    }
}
