//! What goes into and comes out of a statement, the same for both engines.

use std::net::IpAddr;

use crate::core::chain::LinkHash;
use crate::core::key::{DiscoKey, MachineKey, NodeKey};
use crate::core::name::Hostname;
use crate::core::oauth::ScopeSet;
use crate::core::role::Role;
use crate::core::secret::SecretHash;
use crate::core::session::SessionKind;
use crate::core::user::Email;
use crate::core::{Error, Result, Timestamp, id};

/// A parameter or a column. Ids and addresses are text, keys and hashes are bytes.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// A row of a result, by position.
#[derive(Debug)]
pub struct Row(pub(super) Vec<Value>);

impl Row {
    /// Takes column `index` out of the row. Asking twice, or for another type, is a defect of ours.
    pub fn take<T: FromValue>(&mut self, index: usize) -> Result<T> {
        let slot = self.0.get_mut(index).ok_or_else(|| Error::bug(format!("no column {index} in a row")))?;
        T::from_value(std::mem::replace(slot, Value::Null))
    }
}

/// What a column can be read as.
pub trait FromValue: Sized {
    fn from_value(value: Value) -> Result<Self>;
}

fn unexpected(wanted: &str, value: &Value) -> Error {
    let found = match value {
        Value::Null => "null",
        Value::Int(_) => "an integer",
        Value::Text(_) => "text",
        Value::Bytes(_) => "bytes",
    };
    Error::bug(format!("a database column holds {found} where {wanted} was expected"))
}

impl FromValue for i64 {
    fn from_value(value: Value) -> Result<Self> {
        match value {
            Value::Int(int) => Ok(int),
            other => Err(unexpected("an integer", &other)),
        }
    }
}

impl FromValue for String {
    fn from_value(value: Value) -> Result<Self> {
        match value {
            Value::Text(text) => Ok(text),
            other => Err(unexpected("text", &other)),
        }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: Value) -> Result<Self> {
        match value {
            Value::Bytes(bytes) => Ok(bytes),
            other => Err(unexpected("bytes", &other)),
        }
    }
}

impl FromValue for bool {
    fn from_value(value: Value) -> Result<Self> {
        i64::from_value(value).map(|flag| flag != 0)
    }
}

impl FromValue for Timestamp {
    fn from_value(value: Value) -> Result<Self> {
        i64::from_value(value).map(Timestamp::from_millis)
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Result<Self> {
        match value {
            Value::Null => Ok(None),
            other => T::from_value(other).map(Some),
        }
    }
}

macro_rules! text_values {
    ($($type:ty),* $(,)?) => {$(
        impl FromValue for $type {
            fn from_value(value: Value) -> Result<Self> {
                let text = String::from_value(value)?;
                text.parse().map_err(|_| {
                    Error::bug(format!("the database holds {text:?} as a {}", stringify!($type)))
                })
            }
        }

        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Value::Text(value.to_string())
            }
        }
    )*};
}

text_values!(
    id::UserId,
    id::OrgId,
    id::RealmId,
    id::NodeId,
    id::TokenId,
    id::RedemptionId,
    id::ApiKeyId,
    id::SessionId,
    id::EventId,
    id::ApprovalId,
    id::AppId,
    id::GrantId,
    id::FamilyId,
    id::SigningKeyId,
    ScopeSet,
    id::InvitationId,
    id::PasskeyId,
    IpAddr,
    Email,
    Hostname,
    Role,
    SessionKind,
);

macro_rules! byte_values {
    ($($type:ty),* $(,)?) => {$(
        impl FromValue for $type {
            fn from_value(value: Value) -> Result<Self> {
                <$type>::from_slice(&Vec::<u8>::from_value(value)?)
            }
        }

        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Value::Bytes(value.as_bytes().to_vec())
            }
        }
    )*};
}

byte_values!(MachineKey, NodeKey, DiscoKey, SecretHash, LinkHash);

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Int(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Int(value.into())
    }
}

impl From<Timestamp> for Value {
    fn from(value: Timestamp) -> Self {
        Value::Int(value.as_millis())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Value::Text(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::Text(value.to_owned())
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Value::Bytes(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}
