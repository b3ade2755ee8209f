//! What the pages of passkeys say.

pub const LOG_IN: &str = "Log in with a passkey";
pub const STEP: &str = "Use a passkey";
pub const NO_SCRIPT: &str = "To log in with a passkey, allow JavaScript for this page.";
pub const FAILED: &str = "No passkey was shown. Try again, or go on without one.";

pub const TITLE: &str = "Passkeys";
pub const LEAD: &str = "A passkey on your phone, computer or security key opens your account by your finger, face or PIN: in place of the password, or after it.";
pub const NAME: &str = "Name";
pub const NAME_HINT: &str = "Where it is: laptop, phone, blue key.";
pub const MAKE: &str = "Add a passkey";
pub const MADE: &str = "Added";
pub const USED: &str = "Last used";
pub const ACTIONS: &str = "Actions";
pub const REMOVE: &str = "Remove…";
pub const REMOVE_WORDS: &str =
    "It opens nothing any more, and your other log-ins end. Delete it in your browser too.";
pub const REMOVE_YES: &str = "Remove";
pub const REMOVED: &str = "The passkey is removed, and your other log-ins have ended.";
pub const MADE_NOTE: &str = "The passkey is added.";
pub const NOT_BY_THIS: &str =
    "To add one, allow JavaScript, take a browser that knows passkeys, and open this page at";
pub const NOT_HERE: &str = "Browsers have passkeys over https alone, by a name and not by an address. This coordinator is reached otherwise.";
