//! What the pages of devices say.

pub const TITLE: &str = "Devices";
pub const DEVICE: &str = "Device";
pub const ADDRESS: &str = "Address";
pub const OWNER: &str = "Owner";
pub const SEEN: &str = "Last seen";
pub const STATE: &str = "Status";
pub const MORE: &str = "Show more";
pub const SEARCH: &str = "Name or address";
pub const SYSTEM: &str = "System";
pub const TAG: &str = "Tag";
pub const ANY: &str = "Any";
pub const FIND: &str = "Find";
pub const SHOW_ALL: &str = "Show all devices";
pub const NONE: &str = "No device fits";
pub const NONE_WORDS: &str = "Ask for less at once: part of a name, of an address or of an owner is enough.";
pub const NONE_YET: &str = "None among those that were looked through. Show more to go on.";
pub const HERE: &str = "now";
pub const UNKNOWN_SYSTEM: &str = "Unknown system";
pub const EXPIRED: &str = "Key expired";
pub const EXIT: &str = "Exit node";
pub const EPHEMERAL: &str = "Ephemeral";
pub const FACTS: &str = "Details";
pub const NAME: &str = "Name in the network";
pub const V4: &str = "IPv4 address";
pub const V6: &str = "IPv6 address";
pub const HOSTNAME: &str = "Calls itself";
pub const JOINED: &str = "Joined";
pub const KEY: &str = "Its log-in";
pub const KEY_STAYS: &str = "Does not expire";
pub const KEY_OVER: &str = "Expired";
pub const KEY_ENDS: &str = "Expires";
pub const RENAME: &str = "Rename";
pub const NEW_NAME: &str = "Name";
pub const NEW_NAME_HINT: &str = "Letters, digits and hyphens. Other devices reach it by this name.";
pub const ROUTES: &str = "Routes";
pub const NO_ROUTES: &str = "This device offers no route to another network, and no way to the Internet.";
pub const ROUTES_LEAD: &str = "Networks behind this device. Those that are ticked can be reached through it.";
pub const ROUTES_SAVE: &str = "Save routes";
pub const ROUTES_SAVED: &str = "The routes are saved.";
pub const ROUTE_AHEAD: &str = "Allowed, but not offered by the device now";
pub const ROUTE_WAITS: &str = "Offered by the device; waits for you";
pub const ROUTE_EXIT_WAITS: &str = "Way to the Internet; waits for you";
pub const ROUTE_EXIT: &str = "Way to the Internet";
pub const ROUTE_PRIMARY: &str = "In use through this device";
pub const ROUTE_STANDBY: &str = "Allowed; another device carries it, or this one is away";
pub const DANGERS: &str = "Remove or expire";
pub const EXPIRE: &str = "End its log-in…";
pub const EXPIRE_WORDS: &str =
    "The device is cut off until somebody logs in on it again. It keeps its name and its addresses.";
pub const EXPIRE_YES: &str = "End its log-in";
pub const REMOVE: &str = "Remove from the network…";
pub const REMOVE_WORDS: &str =
    "The device is told, cut off at once, and forgotten. To come back it joins as a new one.";
pub const REMOVE_YES: &str = "Remove";

pub fn counted(all: usize, online: usize) -> String {
    format!("{all} device{}, {online} online", if all == 1 { "" } else { "s" })
}

pub fn routes_wait(count: usize) -> String {
    format!("{count} route{} to allow", if count == 1 { "" } else { "s" })
}

pub fn renamed(name: &str) -> String {
    format!("The device is called {name} now.")
}

pub fn expired(name: &str) -> String {
    format!("The log-in of {name} has ended.")
}

pub fn removed(name: &str) -> String {
    format!("{name} was removed.")
}
