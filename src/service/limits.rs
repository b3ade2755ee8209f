//! What may be tried how often, by the one list of [`Allowance`]: a bucket for each of them and each key. By address,
//! so that one guesser cannot try everything; by account, so that one password is not guessed from everywhere.

use std::hash::Hash;
use std::net::IpAddr;

use super::app::App;
use super::audit::Origin;
use super::authority::{Caller, Principal};
use crate::auth::limit::Limit;
use crate::config::server::Limits as Rates;
use crate::core::allowance::Allowance;
use crate::core::{Kind, Result};

/// The limits of one coordinator.
pub struct Limits(Vec<Limit>);

impl Limits {
    pub fn new(rates: &Rates) -> Self {
        let limit = |allowance: &Allowance| Limit::named(allowance.name(), rates.rate(*allowance));
        Limits(Allowance::ALL.iter().map(limit).collect())
    }

    /// The buckets of one allowance: [`Allowance::ALL`] is in the order of its variants.
    fn of(&self, allowance: Allowance) -> &Limit {
        &self.0[allowance as usize]
    }
}

/// Takes a try, or refuses with `too_many_attempts`.
pub fn take(app: &App, allowance: Allowance, key: impl Hash) -> Result<()> {
    app.limits().of(allowance).take(key, app.now())
}

/// The try was right, and does not count.
pub fn give_back(app: &App, allowance: Allowance, key: impl Hash) {
    app.limits().of(allowance).give_back(key);
}

/// Counts what was tried from `origin` when it failed as a guess does: what succeeds is free. Who has guessed too often
/// is told that, and no longer whether the guess was right.
pub fn judge<T>(
    app: &App,
    allowance: Allowance,
    origin: &Origin,
    is_guess: impl FnOnce(&crate::core::Error) -> bool,
    tried: Result<T>,
) -> Result<T> {
    if tried.as_ref().err().is_some_and(is_guess) {
        take(app, allowance, network(origin))?;
    }
    tried
}

/// Counts a credential that nobody knows.
pub fn judge_credential<T>(app: &App, origin: &Origin, tried: Result<T>) -> Result<T> {
    judge(app, Allowance::CredentialAddress, origin, |e| e.kind() == Kind::Unauthenticated, tried)
}

/// Counts a call of somebody known.
pub fn admit(app: &App, caller: &Caller) -> Result<()> {
    match caller.principal() {
        Principal::Person(person) => take(app, Allowance::ApiAccount, person.user),
        Principal::Integration(key) => take(app, Allowance::ApiOrganization, key.org),
        Principal::App(delegate) => take(app, Allowance::ApiApp, delegate.app),
    }
}

/// An IPv6 host has a whole /64 to itself.
pub fn network(origin: &Origin) -> Option<IpAddr> {
    origin.address.map(|address| match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() >> 64 << 64).into()),
        v4 => v4,
    })
}
