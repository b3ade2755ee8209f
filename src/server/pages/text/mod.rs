//! What the pages say, in one place: a module a page, shared words first.

pub mod device;
pub mod factor;
pub mod passkey;
pub mod people;
pub mod provider;

use crate::core::role::Scope;

pub const BRAND: &str = "wonder";
pub const SKIP: &str = "Skip to the content";
pub const COPY: &str = "Copy";
pub const CLEAR: &str = "Clear";
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
    pub const MEMBERS: &str = "Members";
    pub const APPS: &str = "Apps";
    pub const ORGANIZATION: &str = "Organization";
    pub const AUDIT: &str = "Audit";
}

pub mod account {
    pub const MENU: &str = "Your account";
    pub const AS: &str = "Logged in as ";
    pub const SETTINGS: &str = "Settings";
    pub const APPROVE: &str = "Approve a device";
    pub const NEW_ORGANIZATION: &str = "New organization";
    pub const PROVIDERS: &str = "Providers";
    pub const AUDIT: &str = "Audit of the coordinator";
    pub const LOG_OUT: &str = "Log out";
}

pub mod trouble {
    pub const NOT_FOUND: &str = "There is nothing here";
    pub const DENIED: &str = "This is not allowed";
    pub const TOO_OFTEN: &str = "Too many attempts";
    pub const AWAY: &str = "Not available at the moment";
    pub const REFUSED: &str = "This cannot be done";
    pub const OURS: &str = "Something broke on our side";
    pub const NOT_LOGGED_IN: &str = "You could not be logged in";
    pub const HOME: &str = "To the start page";
    pub const LOG_IN: &str = "Back to the log-in";
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
    pub const AT: &str = "On ";
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
            "A key is as good as this access: allow it only to an app that needs it. Its keys end with it.",
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

pub mod add {
    pub const TITLE: &str = "Add a device";
    pub const LEAD: &str = "Whatever runs Tailscale can be part of this network: servers, computers, phones.";
    pub const COMPUTER: &str = "Server or computer";
    pub const COMPUTER_LEAD: &str =
        "Make a join token, and paste one command on the device. Nobody has to log in there.";
    pub const OPTIONS: &str = "Options";
    pub const MAKE: &str = "Make a join token";
    pub const NAME: &str = "Name";
    pub const NAME_HINT: &str = "For you, to know it again.";
    pub const USES: &str = "Devices";
    pub const USES_HINT: &str = "How many may join with it.";
    pub const TTL: &str = "Good for";
    pub const TAGS: &str = "Tags";
    pub const TAGS_HINT: &str =
        "Like tag:server. A tagged device belongs to the network rather than to you, and stays logged in.";
    pub const REUSABLE: &str = "Any number of devices";
    pub const REUSABLE_HINT: &str = "For images and scripts. Keep it as you keep a password.";
    pub const EPHEMERAL: &str = "Ephemeral";
    pub const EPHEMERAL_HINT: &str = "Devices leave the network when they are switched off.";
    pub const READY: &str = "Run this on the device";
    pub const AGAIN: &str = "Another join token";
    pub const FOR_ONE: &str = "Good for one device;";
    pub const FOR_ANY: &str = "Good for any number of devices;";
    pub const UNTIL: &str = "it ends";
    pub const ONCE: &str = "It is shown this once.";
    pub const WHERE: &str = "Kind of device";
    pub const PHONE_TAB: &str = "Phone";
    pub const COMMAND: &str = "Command";
    pub const THEN_RUN: &str = "Run:";
    pub const WITH_WONDER: &str = "With wonder";
    pub const WITH_WONDER_LEAD: &str =
        "Checks everything first, and leaves nothing behind when something is wrong.";
    pub const WITH_TAILSCALE: &str = "With Tailscale alone";
    pub const WITH_TAILSCALE_LEAD: &str = "On any system that has the tailscale command.";
    pub const MACOS: &str = "Install Tailscale from the App Store or its website, and open it once.";
    pub const WINDOWS: &str = "Install Tailscale from its website, then open a terminal as administrator.";
    pub const PHONE: &str = "Phone or tablet";
    pub const SCAN: &str = "Scan this with the phone's camera: it opens the steps there. You log in on the phone, and approve it.";
    pub const SCAN_ELSE: &str = "Or open on the phone:";
    pub const PICTURE: &str = "QR code that opens the steps for phones";
    pub const ARRIVED: &str = "Just joined";
    pub const NOBODY: &str = "A new device appears here as soon as it joins.";
    pub const PHONE_TITLE: &str = "Add this phone";
    pub const PHONE_LEAD: &str = "Install the Tailscale app, and give it the address of this coordinator:";
    pub const SERVER: &str = "Address of the coordinator";
    pub const IOS: [&str; 4] = [
        "Open Tailscale and tap the account picture at the top.",
        "Tap “Log in…”, then the menu at the top, then “Use custom coordination server”.",
        "Paste the address, and tap “Log in”.",
        "Your browser opens: log in there, and approve the phone.",
    ];
    pub const ANDROID: [&str; 4] = [
        "Open Tailscale, tap the settings, then “Accounts”.",
        "Open the menu at the top, and choose “Use an alternate server”.",
        "Paste the address, and go on.",
        "Your browser opens: log in there, and approve the phone.",
    ];
    pub const PHONE_LAST: &str = "The words in the app may differ a little from version to version.";

    pub fn for_many(uses: i64) -> String {
        format!("Good for {uses} devices;")
    }
}

pub mod approve {
    pub const TITLE: &str = "Let this device in?";
    pub const LEAD: &str = "It asks to join your network, and waits for your answer.";
    pub const ASK: &str = "Approve a device";
    pub const ASK_LEAD: &str = "A device that logs in without a key shows a link that ends in a code.";
    pub const CODE: &str = "Code";
    pub const CODE_HINT: &str = "Like ABCD-EFGH-JKLM.";
    pub const GO_ON: &str = "Go on";
    pub const DEVICE: &str = "Device";
    pub const NAMELESS: &str = "(no name)";
    pub const SYSTEM: &str = "System";
    pub const FROM: &str = "Asks from";
    pub const ASKED: &str = "Asked";
    pub const STAYS: &str = "Stays";
    pub const EPHEMERAL: &str = "As long as it is connected: it asked to be removed soon after it goes away";
    pub const KEY: &str = "Key";
    pub const WHERE: &str = "Let it into";
    pub const PERSONAL: &str = "Your own";
    pub const NOWHERE: &str = "You are an admin of no organization, so you cannot let devices in. Ask an admin, who opens this same link.";
    pub const APPROVE: &str = "Approve";
    pub const REFUSE: &str = "Refuse";
    pub const CAREFUL: &str = "Approve only a device that you have just started yourself. Whoever sent you this link gets into your network with it.";

    pub fn approved(name: &str, organization: &str) -> String {
        format!("{name} is now part of {organization}.")
    }

    pub fn refused(name: &str) -> String {
        format!("{} was turned away.", if name.is_empty() { "The device" } else { name })
    }
}

pub mod token {
    pub const TITLE: &str = "Join tokens";
    pub const LEAD: &str =
        "What lets devices in without a log-in. Revoking one keeps the devices that joined with it.";
    pub const MAKE: &str = "Make a join token";
    pub const EMPTY: &str = "No join token yet";
    pub const EMPTY_WORDS: &str =
        "Make one when you add a device: it becomes a single command to paste there.";
    pub const TOKEN: &str = "Token";
    pub const NAMELESS: &str = "Unnamed";
    pub const USES: &str = "Used";
    pub const OF: &str = "of";
    pub const REUSABLE: &str = "reusable";
    pub const ENDS: &str = "Ends";
    pub const STATE: &str = "State";
    pub const ACTIONS: &str = "Actions";
    pub const MADE_BY: &str = "by";
    pub const GOOD: &str = "Good";
    pub const REVOKED: &str = "Revoked";
    pub const EXPIRED: &str = "Expired";
    pub const USED_UP: &str = "Used up";
    pub const REVOKE: &str = "Revoke…";
    pub const REVOKE_WORDS: &str = "It lets nobody in any more.";
    pub const REVOKE_YES: &str = "Revoke";
    pub const DONE: &str = "The join token was revoked.";
}

pub mod key {
    pub const TITLE: &str = "API keys";
    pub const LEAD: &str = "What programs and platforms show to act for this organization.";
    pub const MAKE: &str = "Make an API key";
    pub const EMPTY: &str = "No API key yet";
    pub const EMPTY_WORDS: &str = "Make one for a program or platform that reads or manages your devices.";
    pub const KEY: &str = "Key";
    pub const SCOPES: &str = "May";
    pub const USED: &str = "Last used";
    pub const ENDS: &str = "Ends";
    pub const ROTATE: &str = "Rotate…";
    pub const ROTATE_WORDS: &str = "Makes a new secret. The old one works for 24 hours more.";
    pub const ROTATE_YES: &str = "Make a new secret";
    pub const REVOKE_WORDS: &str = "Whatever uses it is cut off at once.";
    pub const REVOKE_YES: &str = "Revoke";
    pub const NEW: &str = "New API key";
    pub const NEW_LEAD: &str = "Give it no more than its program needs.";
    pub const NAME: &str = "Name";
    pub const NAME_HINT: &str = "Which program it is for.";
    pub const TTL: &str = "Good for";
    pub const ONCE: &str = "This is the secret of the key. Copy it now: it is shown this once.";
    pub const SECRET: &str = "Secret";
    pub const USE: &str = "Send it as";
    pub const ENDS_AT: &str = "It ends";
    pub const USED_FROM: &str = "from";
    pub const TOO_OLD: &str = "Too old";
    pub const SOON: &str = "Rotate soon";
    pub const BY_POLICY: &str = "by the rule below";

    pub fn revoked(name: &str) -> String {
        format!("The key {name} was revoked.")
    }
}

pub mod key_policy {
    pub const TITLE: &str = "How old secrets may get";
    pub const NONE: &str = "Secrets of API keys may get as old as each key is good.";
    pub const AS_LONG_AS_GOOD: &str = "As old as it is good";
    pub const AGE: &str = "Oldest age of a secret";
    pub const WARN: &str = "Warn before its end";
    pub const AT_ONCE: &str = "It counts at once, also for the keys that there are: an older secret works no longer, until its key is rotated.";
    pub const SAVE: &str = "Save";
    pub const SAVED: &str = "How old secrets may get is saved.";

    pub fn said(age: &str, before: &str) -> String {
        format!(
            "A secret works until it is {age} old. From {before} before that, its program and this page warn."
        )
    }
}

pub mod settings {
    pub const TITLE: &str = "Settings";
    pub const ADMIN: &str = "administers this coordinator";
    pub const PASSWORD: &str = "Password";
    pub const PASSWORD_LEAD: &str = "Changing it ends your other log-ins.";
    pub const PRESENT: &str = "Present password";
    pub const NEW: &str = "New password";
    pub const CHANGE: &str = "Change password";
    pub const CHANGED: &str = "Your password is changed, and your other log-ins have ended.";
    pub const SESSIONS: &str = "Where you are logged in";
    pub const SESSIONS_LEAD: &str =
        "Browsers and command lines. End what you do not know, and change your password.";
    pub const WHERE: &str = "Log-in";
    pub const BEGUN: &str = "Began";
    pub const USED: &str = "Last used";
    pub const BROWSER: &str = "Browser";
    pub const CLI: &str = "Command line";
    pub const THIS: &str = "This one";
    pub const END: &str = "End";
    pub const ENDED: &str = "That log-in has ended.";
    pub const OTHERS: &str = "End all others";
    pub const OTHERS_ENDED: &str = "All your other log-ins have ended.";
}

/// What a scope allows, as people say it.
pub fn scope(scope: Scope) -> &'static str {
    match scope {
        Scope::NodesRead => "See the devices and join tokens",
        Scope::NodesWrite => "Add, change and remove devices, make join tokens",
        Scope::KeysRead => "See the API keys",
        Scope::KeysWrite => "Make, rotate and revoke API keys",
        Scope::ProfileRead => "See the organization and who answers for the key",
    }
}
