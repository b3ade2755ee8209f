//! Networks as people write them in the settings: in CIDR notation, or single addresses.

use ipnet::IpNet;
use std::net::IpAddr;

use crate::core::{Error, Result};

pub(super) fn read(setting: &str, all: &[String]) -> Result<Vec<IpNet>> {
    all.iter().map(|text| one(setting, text)).collect()
}

fn one(setting: &str, text: &str) -> Result<IpNet> {
    let single = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse::<IpNet>().or_else(|_| single()).map_err(|_| {
        Error::usage("malformed_setting", format!("{setting}: {text:?} is no network"))
            .hint("write it like 127.0.0.1, 10.0.0.0/8 or fd00::/8")
    })
}
