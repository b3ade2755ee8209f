//! The chain over the audit trail: what has been committed is linked, the oldest is cut off when its time is
//! over, and the whole is checked. See [`crate::core::chain`] for what a link is.
//!
//! An event is written in the transaction of what it tells; it is linked afterwards, in the order in which a
//! single linker finds it. So transactions never wait for each other because of the chain, on either engine,
//! and what is linked at once costs one commit. Nobody sees an event without its link: whoever lists, exports or
//! checks the trail has all that is committed linked first ([`link`]), and a coordinator that stops does.

use std::time::Duration;

use super::app::App;
use super::audit::{self, Actor, Change, Origin};
use super::user::Operator;
use crate::auth::stamp::StampKey;
use crate::core::action::Action;
use crate::core::chain::Link;
use crate::core::{Error, Kind, Result, Timestamp};
use crate::store::audit::Event;
use crate::store::chain::{self, Cut, Stored};
use crate::store::{Read, Store, Tx};

/// Events linked in one transaction: some milliseconds of the one writer.
const BATCH: i64 = 500;
/// Links that are checked, or cut off, at a time.
const PAGE: i64 = 1_000;
/// How often a check begins again because the trail was cut meanwhile.
const TRIES: usize = 3;
/// How many faults a check tells.
const MOST_FAULTS: usize = 10;

/// What stands in the hash of an event's link, each as the API writes it.
pub fn fields(event: &Event) -> [Option<String>; 14] {
    let e = event.clone();
    [
        Some(e.id.to_string()),
        Some(e.at.to_string()),
        Some(e.actor_kind),
        e.actor_id,
        Some(e.actor_name),
        e.org.map(|org| org.to_string()),
        Some(e.action),
        Some(e.target_kind),
        e.target_id,
        Some(e.target_name),
        e.address.map(|address| address.to_string()),
        e.request_id,
        e.refused,
        Some(e.unwritten.to_string()),
    ]
}

/// Links what waits for it. Costs one look where nothing does.
pub async fn link(app: &App) -> Result<()> {
    link_all(app.store(), app.settings().stamp_key.as_ref()).await
}

async fn link_all(store: &Store, key: Option<&StampKey>) -> Result<()> {
    while store.read(chain::any_unlinked).await? {
        let key = key.cloned();
        let linked = store.write(move |tx| link_some(tx, key.as_ref())).await?;
        if linked == 0 {
            return Ok(());
        }
    }
    Ok(())
}

fn link_some(tx: &mut Tx<'_>, key: Option<&StampKey>) -> Result<usize> {
    chain::lock(tx)?;
    let waiting = chain::unlinked(tx, BATCH)?;
    let mut link = chain::head(tx)?;
    for (index, event) in waiting.iter().enumerate() {
        link = link.next(&fields(event));
        let is_last = index + 1 == waiting.len();
        chain::insert(tx, event, link, key.filter(|_| is_last).map(|key| key.stamp(&link)))?;
    }
    Ok(waiting.len())
}

/// Deletes events that are older than the settings keep them. The chain goes on: the cut is written down, with
/// the coordinator's stamp, and is an event itself.
pub async fn sweep(app: &App) -> Result<()> {
    let Some(kept) = app.settings().audit_retention else { return Ok(()) };
    let now = app.now();
    let before = Timestamp::from_millis(now.as_millis().saturating_sub(millis(kept)));
    let key = app.settings().stamp_key.clone();
    loop {
        let key = key.clone();
        let cut = app.store().write(move |tx| cut_some(tx, before, now, key.as_ref())).await?;
        if !cut {
            return Ok(());
        }
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn cut_some(tx: &mut Tx<'_>, before: Timestamp, now: Timestamp, key: Option<&StampKey>) -> Result<bool> {
    chain::lock(tx)?;
    let Some(link) = chain::last_before(tx, before, PAGE)? else { return Ok(false) };
    chain::cut(tx, Cut { link, stamp: key.map(|key| key.stamp(&link)), at: now })?;
    let actor = Actor::coordinator(Origin::default());
    audit::record(tx, now, &actor, Change::new(Action::AuditCut, link.seq, format!("up to {link}")))?;
    Ok(true)
}

/// What a check found.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Links that were checked.
    pub checked: u64,
    /// Where the chain begins: after this link.
    pub begin: Link,
    /// The newest link: to be written down elsewhere, and given to a later check.
    pub head: Link,
    /// The newest link with the coordinator's stamp; none where there was no key to look with.
    pub stamped: Option<Link>,
    /// Events that wait for their link: there was no key to stamp it with, or they came during the check.
    pub unlinked: i64,
    /// What is wrong, at most ten.
    pub faults: Vec<String>,
}

/// Checks the whole chain. With `key` also the coordinator's stamps, and what waits for its link gets it first;
/// with `known` also that the chain still holds this link, or was cut after it.
pub async fn verify(app: &App, _: &Operator, key: Option<StampKey>, known: Option<Link>) -> Result<Verified> {
    let store = app.store();
    if key.is_some() {
        link_all(store, key.as_ref()).await?;
    }
    for _ in 0..TRIES {
        let begin = store.read(chain::last_cut).await?;
        let mut check = Check::new(begin.clone(), key.clone(), known);
        check.walk(store).await?;
        if store.read(chain::last_cut).await? == begin {
            return check.finish(store).await;
        }
    }
    Err(Error::new(
        Kind::Unavailable,
        "audit_busy",
        "the trail is being cut: the check found no moment for itself",
    )
    .hint("try again in a minute"))
}

/// A check under way.
struct Check {
    key: Option<StampKey>,
    known: Option<Link>,
    found: Verified,
}

impl Check {
    fn new(cut: Option<Cut>, key: Option<StampKey>, known: Option<Link>) -> Self {
        let begin = cut.as_ref().map_or(Link::START, |cut| cut.link);
        let found =
            Verified { checked: 0, begin, head: begin, stamped: None, unlinked: 0, faults: Vec::new() };
        let mut check = Check { key, known, found };
        if let Some(cut) = cut {
            check.look_at_stamp(&cut.link, cut.stamp.as_deref());
            check.compare(&cut.link);
        }
        check
    }

    fn fault(&mut self, what: String) {
        if self.found.faults.len() < MOST_FAULTS {
            self.found.faults.push(what);
        }
    }

    async fn walk(&mut self, store: &Store) -> Result<()> {
        loop {
            let after = self.found.head.seq;
            let links = store.read(move |read| chain::page(read, after, PAGE)).await?;
            if links.is_empty() {
                return Ok(());
            }
            for stored in links {
                self.look_at(stored);
            }
        }
    }

    fn look_at(&mut self, stored: Stored) {
        let Stored { link, stamp, event } = stored;
        let wanted = self.found.head.seq + 1;
        if link.seq > wanted {
            self.fault(format!("the links {wanted} to {} are missing", link.seq - 1));
        }
        match event {
            None => self.fault(format!("the event of link {} is missing", link.seq)),
            // After a gap the hash before is not known.
            Some(event) if link.seq == wanted && self.found.head.next(&fields(&event)).hash != link.hash => {
                self.fault(format!("event {} (link {}) is not as it was written", event.id, link.seq));
            }
            Some(_) => {}
        }
        self.look_at_stamp(&link, stamp.as_deref());
        self.compare(&link);
        self.found.head = link;
        self.found.checked += 1;
    }

    fn look_at_stamp(&mut self, link: &Link, stamp: Option<&[u8]>) {
        match (&self.key, stamp) {
            (Some(key), Some(stamp)) if key.is_of(stamp, link) => self.found.stamped = Some(*link),
            (Some(_), Some(_)) => {
                self.fault(format!("the stamp on link {} is not this coordinator's", link.seq))
            }
            _ => {}
        }
    }

    fn compare(&mut self, link: &Link) {
        if self.known.is_some_and(|known| known.seq == link.seq && known.hash != link.hash) {
            self.fault(format!("link {} is another one than the one that you know", link.seq));
        }
    }

    async fn finish(mut self, store: &Store) -> Result<Verified> {
        let head = self.found.head;
        if self.known.is_some_and(|known| known.seq > head.seq) {
            self.fault(format!("the trail ends at link {}, before the one that you know", head.seq));
        }
        if self.key.is_some() && head != Link::START && self.found.stamped != Some(head) {
            self.fault(format!("the newest link, {}, lacks the coordinator's stamp", head.seq));
        }
        let (strays, lost, unlinked) = store.read(counts).await?;
        if strays > 0 {
            self.fault(format!("{strays} events have no link: they were put in, or their links taken out"));
        }
        if lost > 0 {
            self.fault(format!("{lost} events are missing that had no link yet"));
        }
        Ok(Verified { unlinked, ..self.found })
    }
}

fn counts(read: &mut Read<'_>) -> Result<(i64, i64, i64)> {
    Ok((chain::count_strays(read)?, chain::count_lost(read)?, chain::count_unlinked(read)?))
}
