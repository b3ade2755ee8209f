//! Values of flags that need more than their text.

use ipnet::IpNet;
use std::str::FromStr;

use crate::api::Scope;
use crate::core::secret::Secret;
use crate::core::time::parse_duration;
use crate::core::{Error, Result};

/// A duration in whole seconds, as the API takes it: `8h`, `90d`.
#[derive(Clone, Copy, Debug)]
pub struct Seconds(pub u32);

impl FromStr for Seconds {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match u32::try_from(parse_duration(text)?.as_secs()) {
            Ok(seconds) if seconds > 0 => Ok(Seconds(seconds)),
            _ => Err(Error::usage("malformed_duration", format!("{text:?} is too short or too long"))
                .hint("write it like 30s, 15m, 8h or 90d")),
        }
    }
}

/// A secret as it was typed.
pub fn secret(text: &str) -> Result<Secret> {
    Ok(Secret::new(text))
}

/// A subnet in CIDR notation; its host part is empty.
pub fn subnet(text: &str) -> Result<IpNet> {
    let malformed =
        |hint: String| Error::usage("malformed_route", format!("{text:?} is not a subnet")).hint(hint);
    let net: IpNet = text.parse().map_err(|_| malformed("write it like 192.168.1.0/24".into()))?;
    if net != net.trunc() {
        return Err(malformed(format!("did you mean {}?", net.trunc())));
    }
    Ok(net)
}

/// The scopes of API keys, as they are typed.
pub const SCOPES: [(&str, Scope); 5] = [
    ("nodes:read", Scope::NodesRead),
    ("nodes:write", Scope::NodesWrite),
    ("keys:read", Scope::KeysRead),
    ("keys:write", Scope::KeysWrite),
    ("profile:read", Scope::ProfileRead),
];

/// How a scope is typed.
pub fn scope_name(scope: Scope) -> &'static str {
    SCOPES.iter().find(|(_, known)| *known == scope).map_or("?", |(name, _)| name)
}

/// What a scope of that name is; the parser has let known ones through only.
pub fn scope(name: &str) -> Result<Scope> {
    let found = SCOPES.iter().find(|(known, _)| *known == name);
    found.map(|(_, scope)| *scope).ok_or_else(|| {
        Error::usage("malformed_scope", format!("{name:?} is not a scope"))
            .hint("`wonder key create --help` lists them")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_whole_seconds() {
        assert_eq!("8h".parse::<Seconds>().unwrap().0, 28_800);
        for bad in ["0s", "10ms", "500y", "soon"] {
            assert_eq!(bad.parse::<Seconds>().unwrap_err().code(), "malformed_duration");
        }
    }

    #[test]
    fn a_subnet_with_a_host_part_gets_a_suggestion() {
        assert!(subnet("0.0.0.0/0").is_ok() && subnet("fd00::/8").is_ok());
        assert_eq!(subnet("192.168.1.7/24").unwrap_err().hint_text(), Some("did you mean 192.168.1.0/24?"));
        assert!(subnet("home").is_err());
    }

    #[test]
    fn scopes_are_typed_as_the_api_writes_them() {
        for (name, scope) in SCOPES {
            assert_eq!(serde_json::to_value(scope).unwrap(), name);
        }
    }
}
