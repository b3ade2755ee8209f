//! Who may do what is the coordinator's own, whichever organizations they are in.

use super::audit::Actor;
use super::authority::{Caller, denied};
use crate::core::Result;
use crate::core::id::UserId;

/// Authority over the coordinator itself.
#[derive(Clone, Debug)]
pub struct Administrator {
    actor: Actor,
    user: UserId,
}

impl Administrator {
    /// Checks that `caller` is a person who administers the coordinator.
    pub fn check(caller: &Caller) -> Result<Administrator> {
        match caller.person()?.admin {
            true => Ok(Administrator { actor: caller.actor(), user: caller.person()?.user }),
            false => Err(denied("administrators_only", "this is for the coordinator's administrators")
                .hint("one of them can do it; the first account is one")),
        }
    }

    /// For the audit trail.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Who it is: in an organization they are what they are there.
    pub(super) fn user(&self) -> UserId {
        self.user
    }
}
