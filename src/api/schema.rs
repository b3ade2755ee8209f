//! How the types of `core` look in the OpenAPI document and on the wire.

use serde::{Serialize as _, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::core::Timestamp;
use crate::core::id::{
    ApiKeyId, AppId, EventId, GrantId, InvitationId, NodeId, OrgId, RealmId, SessionId, TokenId, UserId,
};
use crate::core::secret::Secret;

fn string(format: &str, description: &str) -> RefOr<Schema> {
    let format = SchemaFormat::Custom(format.to_owned());
    let object = ObjectBuilder::new().schema_type(Type::String).format(Some(format));
    RefOr::T(Schema::Object(object.description(Some(description)).build()))
}

macro_rules! strings {
    ($($type:ty: $format:literal, $description:literal;)*) => {$(
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                string($format, $description)
            }
        }

        impl ToSchema for $type {}
    )*};
}

strings! {
    UserId: "uuid", "The id of a user.";
    OrgId: "uuid", "The id of an organization.";
    RealmId: "uuid", "The id of a realm.";
    NodeId: "uuid", "The id of a node.";
    EventId: "uuid", "The id of an event of the audit trail.";
    TokenId: "uuid", "The id of a join token.";
    ApiKeyId: "uuid", "The id of an API key.";
    AppId: "uuid", "The id of an app: its `client_id`.";
    GrantId: "uuid", "The id of a grant.";
    SessionId: "uuid", "The id of a log-in.";
    InvitationId: "uuid", "The id of an invitation.";
    Timestamp: "date-time", "RFC 3339, in UTC.";
    Secret: "password", "A secret, shown once.";
}

/// Writes a secret in clear text: for the field of a request or of the one answer that shows it.
pub(super) fn reveal<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.reveal())
}

/// The same for a secret that need not be there.
pub(super) fn reveal_some<S: Serializer>(secret: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(Secret::reveal).serialize(serializer)
}
