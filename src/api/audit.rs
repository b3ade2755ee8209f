//! The audit trail: who did what.

use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use utoipa::{IntoParams, ToSchema};

use crate::core::Timestamp;
use crate::core::id::{EventId, OrgId};

/// Something that was done, or refused.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Event {
    pub id: EventId,
    /// The number of its link in the chain.
    pub seq: i64,
    pub at: Timestamp,
    pub actor: Party,
    /// The organization that it concerns; `null`: the coordinator itself.
    pub organization_id: Option<OrgId>,
    /// `NOUN.VERB`.
    #[schema(example = "node.remove")]
    pub action: String,
    pub target: Party,
    pub result: EventResult,
    /// The code of the error, where it was refused.
    pub code: Option<String>,
    /// Refusals since the one before for which there was no room.
    pub unwritten: i64,
    #[schema(value_type = Option<String>)]
    pub address: Option<IpAddr>,
    pub request_id: Option<String>,
    /// The hash of its link: SHA-256, in hexadecimal.
    pub hash: String,
}

/// Who did it, or what it was done to.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Party {
    /// `user`, `api_key`, `node`, `local`, `coordinator`, `nobody`; of a target the noun of the action.
    pub kind: String,
    pub id: Option<String>,
    pub name: String,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventResult {
    Done,
    Refused,
}

impl EventResult {
    /// Its word in a query.
    pub const fn as_str(self) -> &'static str {
        match self {
            EventResult::Done => "done",
            EventResult::Refused => "refused",
        }
    }
}

/// Which end of the trail comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventOrder {
    /// The oldest first.
    #[default]
    Asc,
    /// The newest first.
    Desc,
}

impl EventOrder {
    /// Its word in a query.
    pub const fn as_str(self) -> &'static str {
        match self {
            EventOrder::Asc => "asc",
            EventOrder::Desc => "desc",
        }
    }
}

/// A page of events. One that has fewer than were asked for, or none, may still have a `next_cursor`: the search for
/// what fits goes on there.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EventList {
    pub events: Vec<Event>,
    pub next_cursor: Option<String>,
}

/// Which events are asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// How many at most: 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u16>,
    /// Where the list goes on; opaque.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Which end comes first: `asc`, the oldest, when nobody says.
    #[param(inline)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<EventOrder>,
    /// Not before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// By this actor: an id or a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// This action, or all of a noun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// What was done alone, or what was refused alone.
    #[param(inline)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<EventResult>,
    /// Of this organization alone: for administrators, who ask for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<OrgId>,
    /// After the event of this `seq`: what is new since the last look.
    #[param(minimum = 0)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<i64>,
}
