//! What the pages say, in one place: a module a page, shared words first.

pub const BRAND: &str = "wonder";
pub const SKIP: &str = "Skip to the content";
pub const COPY: &str = "Copy";
pub const ONLINE: &str = "Online";
pub const OFFLINE: &str = "Offline";
pub const NEVER: &str = "Never";
pub const EMAIL: &str = "E-mail address";
pub const PASSWORD: &str = "Password";

pub mod time {
    pub const NOW: &str = "just now";
    pub const AGO: &str = "ago";
    pub const IN: &str = "in";
}

pub mod tab {
    pub const LABEL: &str = "Organization";
    pub const OVERVIEW: &str = "Overview";
    pub const DEVICES: &str = "Devices";
    pub const TOKENS: &str = "Join tokens";
    pub const KEYS: &str = "API keys";
}

pub mod account {
    pub const MENU: &str = "Your account";
    pub const AS: &str = "Logged in as ";
    pub const SETTINGS: &str = "Settings";
    pub const APPROVE: &str = "Approve a device";
    pub const LOG_OUT: &str = "Log out";
}

pub mod trouble {
    pub const NOT_FOUND: &str = "There is nothing here";
    pub const DENIED: &str = "This is not allowed";
    pub const TOO_OFTEN: &str = "Too many attempts";
    pub const AWAY: &str = "Not available at the moment";
    pub const REFUSED: &str = "This cannot be done";
    pub const OURS: &str = "Something broke on our side";
    pub const HOME: &str = "To the start page";
    pub const CODE: &str = "Code";
    pub const REQUEST: &str = "request";
}

pub mod log_in {
    pub const TITLE: &str = "Log in";
    pub const LEAD: &str = "Your private network at ";
    pub const BUTTON: &str = "Log in";
    pub const FORGOT: &str = "Forgot your password? Whoever runs this coordinator sets a new one with ";
    pub const FORGOT_COMMAND: &str = "wonder user reset-password";
}

pub mod setup {
    pub const TITLE: &str = "Set up";
    pub const LEAD: &str = "This coordinator is new. Make its first account: it administers everything here.";
    pub const CODE: &str = "Set-up code";
    pub const CODE_HINT: &str =
        "Begins with wsc_. The coordinator printed it when it started; a restart prints a new one.";
    pub const PASSWORD_HINT: &str = "At least 8 characters.";
    pub const BUTTON: &str = "Make the account";
    pub const DONE: &str = "Your account is ready. Add your first device.";
}

pub mod overview {
    pub const TITLE: &str = "Overview";
    pub const DEVICES: &str = "Devices";
    pub const ONLINE: &str = "Online now";
    pub const ROLE: &str = "Your role";
    pub const DOMAIN: &str = "Network domain";
    pub const COORDINATOR: &str = "Coordinator";
    pub const ABOUT: &str = "About this network";
    pub const RECENT: &str = "Last seen";
    pub const ALL: &str = "All devices";
    pub const ADD: &str = "Add a device";
    pub const EMPTY: &str = "No device yet";
    pub const EMPTY_WORDS: &str = "Add your first one: a server, a Raspberry Pi, a laptop or a phone. It takes one command, or one scan.";
    pub const EMPTY_MEMBER: &str = "Devices appear here once an admin of this organization has added one.";
}

pub mod consent {
    pub const TITLE: &str = "Let an app in";
    pub const WANTS: &str = " asks to use a network of yours";
    pub const BACK: &str = "Afterwards your browser goes back to ";
    pub const WHERE: &str = "Where may it act?";
    pub const WHAT: &str = "What may it do?";
    pub const TAKE_OFF: &str =
        "Take off what you do not want to allow. It never can do more than you can yourself.";
    pub const YOU_ARE: &str = "You are";
    pub const APPROVE: &str = "Allow";
    pub const REFUSE: &str = "Do not allow";
    pub const END: &str =
        "You can end this at any time, and so can the organization's admins: it takes effect at once.";

    /// A scope in plain words: what it is, and what that means.
    pub const SCOPES: [(&str, &str, &str); 7] = [
        ("openid", "Know you again", "An identifier of your account, which says nothing of you by itself."),
        (
            "offline_access",
            "Go on while you are away",
            "It keeps this access until it is ended, or not used for 30 days.",
        ),
        (
            "profile:read",
            "See who you are",
            "Your e-mail address, and the organization that you choose above.",
        ),
        (
            "nodes:read",
            "See the devices",
            "Their names, addresses and state, and the join tokens without their secrets.",
        ),
        (
            "nodes:write",
            "Add and remove devices",
            "Make join tokens, join with a machine of its own, rename, expire and remove devices.",
        ),
        ("keys:read", "See the API keys", "Their names and scopes, without their secrets."),
        (
            "keys:write",
            "Make and revoke API keys",
            "A key goes on when this access has ended: allow it only to an app that needs it.",
        ),
    ];
}

pub mod code {
    pub const TITLE: &str = "Log in on a device";
    pub const LEAD: &str = "Type the code that the device, or the command line, shows.";
    pub const FIELD: &str = "Code";
    pub const HINT: &str = "Eight letters, like WDJB-MJHT.";
    pub const NEXT: &str = "Go on";
    pub const CONFIRM: &str = "Is this your device?";
    pub const SAME: &str = "It must show this code now:";
    pub const FROM: &str = "It asked from ";
    pub const BEGAN: &str = "It asked ";
    pub const WARNING: &str =
        "If somebody sent you this code, do not allow it: they would be logged in as you.";
    pub const COMMAND_LINE: &str = "The command line of wonder wants to log in as ";
    pub const CALLED: &str = "It calls itself ";
    pub const APPROVED: &str = "Allowed. You can go back to the device.";
    pub const REFUSED: &str = "Not allowed. Nothing was given to the device.";
    pub const DONE: &str = "Done";
}
