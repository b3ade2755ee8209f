//! A device joins, in three steps that the command line drives: [`JoinPlan::check`] looks whether it can work,
//! before a join token is spent; [`Preflight::join`] logs in with the auth key that the token was traded for; a
//! log-in that fails is undone (`restore`), so that the device is as it was before.

use std::time::{Duration, Instant};

use super::engine::Engine;
use super::hostname::adapted_system_name;
use super::ipn::{EngineStatus, Prefs, Profile, State};
use super::restore::{explain, put_back};
use super::status::{LocalNode, is_joined, local_node};
use super::url::{other_network, same_coordinator};
use super::wait::{Joined, Step, Wait, connected};
use crate::core::name::Hostname;
use crate::core::secret::Secret;
use crate::core::{Error, Kind, Result};

/// Where to, and how.
#[derive(Clone, Debug)]
pub struct JoinPlan {
    /// The coordinator's URL, as the join token names it.
    pub coordinator: String,
    /// The name to ask for; else the system's own, adapted where it is no DNS label.
    pub hostname: Option<Hostname>,
    /// Whether a log-in to another network may be replaced.
    pub force: bool,
}

/// How the device stands towards the coordinator before it joins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not logged in anywhere.
    Free,
    /// Logged in to this coordinator already. Whether as a node of the realm that is meant, the coordinator knows.
    Member(Option<LocalNode>),
    /// Logged in to this coordinator once; the node key has expired, or its node was removed.
    Expired(Option<LocalNode>),
    /// Logged in to another coordinator, by URL, which `force` allows to replace.
    Elsewhere(String),
}

/// A device that can join: reachable, permitted, and remembered as it is.
#[derive(Clone, Debug)]
pub struct Preflight {
    engine: Engine,
    plan: JoinPlan,
    standing: Standing,
    before: Before,
}

/// What there was before, for putting it back.
#[derive(Clone, Debug)]
pub(super) struct Before {
    pub profile: Profile,
    pub prefs: Prefs,
    pub have_node_key: bool,
}

impl JoinPlan {
    /// Checks everything that can be checked before a secret is spent: the permission, the log-in that is there
    /// (code `other_network` without `force`), and that tailscaled takes the settings.
    pub fn check(self, engine: &Engine) -> Result<Preflight> {
        let (profile, prefs, status) = (engine.current_profile()?, engine.prefs()?, engine.status()?);
        let before = Before { profile, prefs, have_node_key: status.have_node_key };
        let standing = standing(&status, &before.prefs, &self.coordinator);
        if let (Standing::Elsewhere(url), false) = (&standing, self.force) {
            return Err(other_network(url).hint("`--force` replaces that log-in by the new one"));
        }
        let preflight = Preflight { engine: engine.clone(), plan: self, standing, before };
        engine.check_prefs(&preflight.wanted(preflight.before.prefs.clone()))?;
        if preflight.needs_new_profile() {
            preflight.keeps_permission()?;
        }
        Ok(preflight)
    }
}

impl Preflight {
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Logs in with `auth_key` and waits until tailscaled is connected, at most for `within`. On failure the
    /// device is as it was before: an earlier log-in is connected again, and nothing of the new one is left.
    pub fn join(
        &self,
        auth_key: &Secret,
        within: Duration,
        progress: &mut dyn FnMut(Step),
    ) -> Result<Joined> {
        progress(Step::Starting);
        let deadline = Instant::now() + within;
        match self.log_in(auth_key, deadline, progress) {
            Ok(joined) => {
                if let Err(error) = self.drop_replaced() {
                    tracing::warn!(%error, "the log-in that was replaced is still kept by tailscaled");
                }
                Ok(joined)
            }
            Err(error) => {
                progress(Step::Restoring);
                Err(explain(error, self.undo(), &self.before.profile))
            }
        }
    }

    /// Puts back what there was before [`Preflight::join`], which does so itself when it fails: this is for one
    /// that is interrupted from without.
    pub fn undo(&self) -> Result<()> {
        put_back(&self.engine, &self.before)
    }

    /// For a device that is a member already: connects it if it was stopped, and waits until it is connected.
    pub fn resume(&self, within: Duration, progress: &mut dyn FnMut(Step)) -> Result<Joined> {
        let watch = self.engine.watch(within)?;
        self.engine.resume()?;
        if let Some(joined) = connected(&self.engine)? {
            return Ok(joined);
        }
        Wait::new(&self.engine, progress).until_running(watch)
    }

    fn log_in(&self, auth_key: &Secret, deadline: Instant, progress: &mut dyn FnMut(Step)) -> Result<Joined> {
        let prefs = if self.needs_new_profile() {
            self.engine.new_profile()?;
            self.engine.prefs()?.with_operator_of(&self.before.prefs)
        } else {
            self.before.prefs.clone()
        };
        let watch = self.engine.watch(left(deadline))?;
        self.engine.start(Some(auth_key), &self.wanted(prefs))?;
        if !self.engine.status()?.have_node_key {
            self.engine.login()?;
        }
        Wait::new(&self.engine, progress).until_running(watch)
    }

    fn wanted(&self, prefs: Prefs) -> Prefs {
        let system_name = || adapted_system_name().filter(|_| prefs.hostname().is_empty());
        let hostname = self.plan.hostname.clone().or_else(system_name);
        prefs.joining(self.plan.coordinator.trim_end_matches('/'), hostname.as_ref())
    }

    /// A log-in that may have to be put back gets out of the way whole, as a profile. One that is over at this
    /// very coordinator is renewed in its place, so that the device stays the node that it was.
    fn needs_new_profile(&self) -> bool {
        let renewable = matches!(self.standing, Standing::Expired(_));
        !self.before.profile.id.is_empty() && !renewable
    }

    /// An operator is named in the profile. One who goes over to a new profile is nobody there, and could not
    /// even go back: only root and the daemon's own user may.
    fn keeps_permission(&self) -> Result<()> {
        let user = rustix::process::geteuid();
        let owner = rustix::fs::stat(self.engine.socket()).map(|file| file.st_uid);
        if self.before.prefs.operator().is_empty() || user.is_root() || owner == Ok(user.as_raw()) {
            return Ok(());
        }
        let message = "an operator of tailscaled may not replace a log-in by another one";
        Err(Error::new(Kind::Denied, "tailscaled_permission", message).hint("run it with sudo"))
    }

    /// The log-in that was replaced goes, now that the new one stands. tailscaled itself reuses the old profile
    /// for the same user at the same coordinator.
    fn drop_replaced(&self) -> Result<()> {
        let old = &self.before.profile.id;
        if old.is_empty() || *old == self.engine.current_profile()?.id {
            return Ok(());
        }
        self.engine.delete_profile(old)
    }
}

fn standing(status: &EngineStatus, prefs: &Prefs, coordinator: &str) -> Standing {
    let here = same_coordinator(prefs.control_url(), coordinator);
    let node = status.own.as_ref().and_then(local_node);
    match (is_joined(status, prefs), here) {
        (true, false) => Standing::Elsewhere(prefs.control_url().to_owned()),
        (true, true) if status.state() == State::NeedsLogin => Standing::Expired(node),
        (true, true) => Standing::Member(node),
        (false, _) => Standing::Free,
    }
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}
