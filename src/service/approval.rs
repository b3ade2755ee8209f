//! Devices without a key: they are given a URL with a code, and wait until a person approves the code.

use std::collections::HashMap;
use std::future::Future;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::app::App;
use super::audit::{self, Change};
use super::authority::Caller;
use crate::core::action::Action;
use crate::core::id::ApprovalId;
use crate::core::key::{MachineKey, NodeKey};
use crate::core::node::Node;
use crate::core::secret::{Secret, SecretHash, random_bytes};
use crate::core::{Error, Kind, Result, Timestamp};
use crate::store;

/// How long a device waits for a person.
const LIFETIME: Duration = Duration::from_secs(3600);
/// Devices that may wait at once; a device has one place.
const MOST_WAITING: i64 = 10_000;
/// Codes forgotten at a time: all rows are looked at for it.
const MOST_FORGOTTEN: usize = 100;
/// The path of the page that a code is shown at.
const PATH: &str = "/approve/";
/// Letters and digits that are not taken for one another.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// A device that waits, as a person may see it who has its code.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// As it is shown on the device.
    pub code: Secret,
    pub hostname: String,
    pub os: String,
    pub node_key: NodeKey,
    /// It wishes to be forgotten when it stays away.
    pub ephemeral: bool,
    /// Where it registered from.
    pub address: Option<IpAddr>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// What waiting came to.
pub enum Waited {
    Approved(Box<Node>),
    /// A person said no.
    Refused,
    /// Nobody has decided yet: the device asks again.
    Still,
    /// The code is unknown or over.
    Forgotten,
}

/// The registrations that wait in this process, by their code.
#[derive(Default)]
pub struct Waiters(Mutex<HashMap<[u8; 32], Arc<Notify>>>);

impl Waiters {
    fn of(&self, code: SecretHash) -> Arc<Notify> {
        let mut waiters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that nobody waits at any more are only held here.
        waiters.retain(|_, waiter| Arc::strong_count(waiter) > 1);
        Arc::clone(waiters.entry(*code.as_bytes()).or_default())
    }

    /// The code has been approved or refused.
    pub fn wake(&self, code: SecretHash) {
        if let Some(waiter) = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(code.as_bytes()) {
            waiter.notify_waiters();
        }
    }
}

/// `ABCD-EFGH-JKLM`: 60 random bits, to be typed.
fn new_code() -> Secret {
    let bytes = random_bytes::<12>();
    let letters: Vec<char> = bytes.iter().map(|b| char::from(ALPHABET[usize::from(b % 32)])).collect();
    Secret::new(letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-"))
}

/// A code as it was typed: in any case, with or without hyphens and spaces.
pub fn read_code(text: &str) -> Result<Secret> {
    let letters: Vec<char> = text.chars().filter(|c| !matches!(c, '-' | ' ')).collect();
    let known = |c: &char| u8::try_from(c.to_ascii_uppercase()).is_ok_and(|c| ALPHABET.contains(&c));
    if letters.len() != 12 || !letters.iter().all(known) {
        return Err(Error::usage("malformed_code", "this is not the code of a waiting device")
            .hint("it looks like ABCD-EFGH-JKLM and stands at the end of the URL that the device shows"));
    }
    let groups = letters.chunks(4).map(|group| group.iter().collect::<String>().to_ascii_uppercase());
    Ok(Secret::new(groups.collect::<Vec<_>>().join("-")))
}

/// The code in a URL that this coordinator gave out.
pub fn code_in(url: &str) -> Option<Secret> {
    let (_, code) = url.rsplit_once(PATH)?;
    read_code(code).ok()
}

/// What a device without a key says when it asks to be let in.
pub struct Request {
    pub machine: MachineKey,
    pub node_key: NodeKey,
    pub hostname: String,
    pub os: String,
    pub ephemeral: bool,
    pub address: IpAddr,
}

/// Gives a device its URL; an older one of the same machine is forgotten.
pub async fn open(app: &App, request: Request) -> Result<String> {
    let (code, now) = (new_code(), app.now());
    let Request { machine, node_key, hostname, os, ephemeral, address } = request;
    let approval = store::approval::Approval {
        id: ApprovalId::new(now),
        code_hash: code.hash(),
        machine_key: machine,
        node_key,
        hostname,
        os,
        ephemeral,
        address: Some(address),
        created_at: now,
        expires_at: now.plus(LIFETIME),
    };
    let insert = move |tx: &mut store::Tx<'_>| {
        store::approval::clean(tx, machine, now)?;
        if store::approval::count(tx)? >= MOST_WAITING {
            make_room(tx)?;
        }
        store::approval::insert(tx, &approval)
    };
    app.store().write(insert).await?;
    Ok(format!("{}{PATH}{}", app.settings().url.as_str(), code.reveal()))
}

/// Forgets the oldest codes of the network that has most, so that whoever floods pushes out himself and nobody else is
/// refused. A device that is forgotten and still asks is given another code.
fn make_room(tx: &mut store::Tx<'_>) -> Result<()> {
    for id in crowded_out(&store::approval::origins(tx)?) {
        store::approval::delete(tx, id)?;
    }
    Ok(())
}

/// Of these devices, the oldest first, those that have to go.
fn crowded_out(waiting: &[(ApprovalId, Option<IpAddr>)]) -> Vec<ApprovalId> {
    let mut networks: HashMap<Option<IpAddr>, Vec<ApprovalId>> = HashMap::new();
    for (id, address) in waiting {
        networks.entry(address.map(site)).or_default().push(*id);
    }
    let most = networks.into_values().max_by_key(Vec::len).unwrap_or_default();
    let few = (most.len() / 2).clamp(1, MOST_FORGOTTEN);
    most.into_iter().take(few).collect()
}

/// The network that somebody who floods has at his disposal: a /24 of IPv4, a /48 of IPv6.
fn site(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4((v4.to_bits() >> 8 << 8).into()),
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() >> 80 << 80).into()),
    }
}

/// Waits until the code is decided, at most `limit`. `approved` looks whether the device is in.
pub async fn wait<F>(app: &App, code: &Secret, limit: Duration, approved: impl Fn() -> F) -> Result<Waited>
where
    F: Future<Output = Result<Option<Node>>>,
{
    let (deadline, hash) = (Instant::now() + limit, code.hash());
    let waiter = app.mesh().waiters().of(hash);
    let mut stop = app.supervisor().stop_signal();
    loop {
        let woken = waiter.notified();
        if let Some(node) = approved().await? {
            return Ok(Waited::Approved(Box::new(node)));
        }
        let now = app.now();
        if app.store().read(move |read| store::approval::waiting(read, hash, now)).await?.is_none() {
            let refused = app.store().read(move |read| store::approval::is_refused(read, hash)).await?;
            return Ok(if refused { Waited::Refused } else { Waited::Forgotten });
        }
        tokio::select! {
            woken = timeout_at(deadline, woken) => if woken.is_err() { return Ok(Waited::Still) },
            () = stop.wait() => return Ok(Waited::Still),
        }
    }
}

/// The device that waits under a code, for a person who decides about it.
pub async fn show(app: &App, caller: &Caller, code: &str) -> Result<Waiting> {
    caller.person()?;
    let (code, now) = (read_code(code)?, app.now());
    let hash = code.hash();
    let found = app.store().read(move |read| store::approval::waiting(read, hash, now)).await?;
    found.map(|found| present(code, found)).ok_or_else(no_such_code)
}

/// Turns away the device that waits under a code; it is told so. Whoever has the code may: letting it in
/// takes a right in an organization, which the device is not part of.
pub async fn refuse(app: &App, caller: &Caller, code: &str) -> Result<Waiting> {
    caller.person()?;
    let (code, actor, now) = (read_code(code)?, caller.actor(), app.now());
    let hash = code.hash();
    let refused = app.store().write(move |tx| {
        let waiting = store::approval::waiting(tx, hash, now)?.ok_or_else(no_such_code)?;
        store::approval::refuse(tx, waiting.id, now)?;
        audit::record(tx, now, &actor, Change::new(Action::ApprovalRefuse, waiting.id, &waiting.hostname))?;
        Ok(waiting)
    });
    let refused = refused.await?;
    app.mesh().waiters().wake(hash);
    Ok(present(code, refused))
}

fn present(code: Secret, found: store::approval::Approval) -> Waiting {
    let store::approval::Approval {
        hostname, os, node_key, ephemeral, address, created_at, expires_at, ..
    } = found;
    Waiting { code, hostname, os, node_key, ephemeral, address, created_at, expires_at }
}

pub(super) fn no_such_code() -> Error {
    Error::new(Kind::NotFound, "code_not_found", "no device waits under this code")
        .hint("codes are good for an hour; the device shows a new one with `tailscale up`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_reads_back_however_it_is_typed() {
        let code = new_code();
        let typed = code.reveal().to_lowercase().replace('-', " ");
        assert_eq!(read_code(&typed).unwrap().reveal(), code.reveal());
        let url = format!("http://10.0.0.1:8080{PATH}{}", code.reveal());
        assert_eq!(code_in(&url).unwrap().reveal(), code.reveal());
        assert_eq!(read_code("ABCD").unwrap_err().code(), "malformed_code");
        assert!(code_in("http://10.0.0.1/").is_none());
    }

    #[test]
    fn who_floods_pushes_out_his_own_oldest() {
        let address = |text: &str| Some(text.parse().unwrap());
        let mut from = vec![address("2001:db8:9::1"), address("192.0.2.1"), None];
        from.extend((0..300).map(|n| address(&format!("2001:db8:7:{n:x}::1"))));
        from.extend((0..200).map(|n| address(&format!("198.51.100.{n}"))));
        let id = |n: usize| ApprovalId::new(Timestamp::from_millis(i64::try_from(n).unwrap()));
        let waiting: Vec<_> = from.into_iter().enumerate().map(|(n, address)| (id(n), address)).collect();
        let ids = |range: std::ops::Range<usize>| waiting[range].iter().map(|w| w.0).collect::<Vec<_>>();
        assert_eq!(crowded_out(&waiting), ids(3..103));
        assert_eq!(crowded_out(&waiting[..1]), ids(0..1));
    }
}
