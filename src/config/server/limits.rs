//! The `[limits]` of the settings: a rate for each allowance, the usual one where nothing is said.

use std::collections::BTreeMap;

use crate::core::Result;
use crate::core::allowance::{Allowance, Rate};

/// How often what may be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits(BTreeMap<Allowance, Rate>);

impl Limits {
    /// Reads what the file says; that every key is known has been checked.
    pub(super) fn read(said: &BTreeMap<String, String>) -> Result<Limits> {
        let rate = |allowance: &Allowance| {
            let text = said.get(allowance.name())?;
            Some(text.parse::<Rate>().map(|rate| (*allowance, rate)))
        };
        Allowance::ALL.iter().filter_map(rate).collect::<Result<_>>().map(Limits)
    }

    pub fn rate(&self, allowance: Allowance) -> Rate {
        self.0.get(&allowance).copied().unwrap_or(allowance.usual())
    }
}
