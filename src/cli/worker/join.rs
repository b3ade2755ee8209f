//! `wonder worker join`: everything is checked before the token is spent, and what fails leaves nothing behind.

use clap::Args;
use serde::Serialize;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::super::ctx::Ctx;
use super::super::value::{Seconds, secret};
use super::interrupt::unless_interrupted;
use super::{Socket, ThisNode, is_same, worker_file};
use crate::api::{JoinGrant, JoinTarget, MeshCredential, Node};
use crate::client::Client;
use crate::config::worker::{WorkerFile, WorkerRecord};
use crate::core::name::Hostname;
use crate::core::secret::Secret;
use crate::core::token::JoinToken;
use crate::core::url::BaseUrl;
use crate::core::{Error, Kind, Result, hex};
use crate::ui::{Progress, secret_from_stdin};
use crate::worker::{Engine, JoinPlan, LocalNode, Preflight, Standing, Step};

const EXAMPLES: &str = "\
Examples:
  wonder worker join wjt_…
  wonder token create -q | ssh pi sudo wonder worker join -
  WONDER_JOIN_TOKEN=wjt_… wonder worker join --hostname kitchen

Needs tailscaled, unmodified, and the right to change it: as root, or as its operator.";

/// How often the coordinator is asked whether it sees the device.
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// Bring this device into the network that a join token is for
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Join {
    /// The join token; "-" reads it from stdin
    #[arg(value_name = "TOKEN", env = "WONDER_JOIN_TOKEN", hide_env_values = true, value_parser = secret)]
    token: Option<Secret>,
    #[command(flatten)]
    how: How,
}

/// What joining came to.
#[derive(Serialize)]
struct Outcome {
    node: ThisNode,
    coordinator: BaseUrl,
    already: bool,
}

/// What was typed, and where it leads.
pub struct Word {
    text: Secret,
    coordinator: BaseUrl,
    way: Way,
}

/// What lets the device in.
#[derive(Clone, Copy)]
enum Way {
    JoinToken,
    /// An API key or an app's access token, for a platform's own machine.
    Deployer,
}

impl Word {
    /// An API key or access token of a platform.
    pub fn of_deployer(text: Secret, coordinator: BaseUrl) -> Word {
        Word { text, coordinator, way: Way::Deployer }
    }

    /// Where it leads. Spends nothing.
    fn target(&self, client: &Client) -> Result<JoinTarget> {
        match self.way {
            Way::JoinToken => client.join_target(&self.text),
            Way::Deployer => client.bearer(&self.text).deployer_target(),
        }
    }

    fn spend(&self, client: &Client) -> Result<JoinGrant> {
        match self.way {
            Way::JoinToken => client.join(&self.text),
            Way::Deployer => client.bearer(&self.text).deployer_join(),
        }
    }
}

/// How a device joins, whatever lets it in.
#[derive(Debug, Args)]
pub struct How {
    /// The name to ask for [default: this system's own]
    #[arg(long, value_name = "NAME")]
    hostname: Option<Hostname>,
    /// How long to wait until it is connected
    #[arg(long, value_name = "DURATION", default_value = "60s")]
    timeout: Seconds,
    /// Replace a log-in to another network
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    socket: Socket,
}

pub fn run(ctx: &Ctx, flags: Join) -> Result<()> {
    join(ctx, word(ctx, flags.token)?, flags.how)
}

/// Brings this device in.
pub fn join(ctx: &Ctx, word: Word, how: How) -> Result<()> {
    let engine = Engine::find(how.socket.path.as_deref())?;
    let within = Duration::from_secs(how.timeout.0.into());
    let coordinator = word.coordinator.to_string();
    let preflight = JoinPlan { coordinator, hostname: how.hostname, force: how.force }.check(&engine)?;
    let attempt = Attempt {
        client: ctx.client(&word.coordinator)?,
        file: worker_file()?,
        deadline: Instant::now() + within,
        preflight,
        word,
    };
    match attempt.already(how.force)? {
        Some(node) => attempt.resume(ctx, node),
        None => attempt.join(ctx),
    }
}

fn word(ctx: &Ctx, given: Option<Secret>) -> Result<Word> {
    let text = match given {
        Some(dash) if dash.reveal() == "-" => secret_from_stdin("join token")?,
        Some(text) => text,
        None => {
            Secret::new(ctx.ui.ask("Join token", "an argument, by stdin with -, or in WONDER_JOIN_TOKEN")?)
        }
    };
    let text = Secret::new(text.reveal().trim());
    let coordinator = JoinToken::parse(text.reveal())?.coordinator().clone();
    match &ctx.globals.coordinator {
        Some(named) if *named != coordinator => Err(Error::usage(
            "other_coordinator",
            format!("this join token is for {coordinator}, and --coordinator names {named}"),
        )
        .hint("leave out --coordinator, or WONDER_COORDINATOR: the token knows where it leads")),
        _ => Ok(Word { text, coordinator, way: Way::JoinToken }),
    }
}

/// A join on its way.
struct Attempt {
    word: Word,
    client: Client,
    file: WorkerFile,
    preflight: Preflight,
    deadline: Instant,
}

impl Attempt {
    /// The node that this device is in the realm of the token already. One of another realm is a conflict, which
    /// only `force` allows to replace.
    fn already(&self, force: bool) -> Result<Option<LocalNode>> {
        let Standing::Member(Some(node)) = self.preflight.standing() else { return Ok(None) };
        if self.file.read()?.is_some_and(|record| record.token == self.fingerprint()) {
            // The very token that it joined with, which may be used up by that.
            return Ok(Some(node.clone()));
        }
        let target = self.word.target(&self.client)?;
        if is_in(node, &target) {
            return Ok(Some(node.clone()));
        }
        if force { Ok(None) } else { Err(other_realm(node, &target)) }
    }

    fn resume(&self, ctx: &Ctx, node: LocalNode) -> Result<()> {
        let mut progress = ctx.ui.progress("Connecting");
        self.preflight.resume(self.left(), &mut |step| progress.step(&sentence(&step)))?;
        drop(progress);
        let node = self.known(node)?;
        let outcome = Outcome { node, coordinator: self.word.coordinator.clone(), already: true };
        ctx.ui.changed(&outcome, || format!("Already joined, as {}; nothing to do.", outcome.node.dns_name()))
    }

    /// The node of an earlier join, by the coordinator's word; by that of the join where it cannot be asked.
    fn known(&self, local: LocalNode) -> Result<ThisNode> {
        let record = self.file.read()?.filter(|record| record.coordinator == self.word.coordinator);
        let ask = |record: &WorkerRecord| self.client.bearer(&record.worker_key).worker().ok()?.node;
        Ok(match record.as_ref().and_then(ask).filter(|node| is_same(node, &local)) {
            Some(node) => ThisNode::Told(Box::new(node)),
            None => ThisNode::remembered(local, record.as_ref()),
        })
    }

    fn join(self, ctx: &Ctx) -> Result<()> {
        let earlier = self.file.read()?;
        let grant = self.word.spend(&self.client)?;
        let worker = self.client.bearer(&grant.worker_key);
        let kept = self.file.write(&self.record(ctx, &grant));
        let joined = kept.and_then(|()| self.connect(ctx, &worker, &grant));
        match joined {
            Ok(node) => self.finish(ctx, &grant, node),
            Err(error) => Err(self.give_back(&worker, earlier.as_ref(), error)),
        }
    }

    /// Logs tailscaled in, and waits until the coordinator sees the device. Broken off by a signal, it puts back
    /// what was there.
    fn connect(&self, ctx: &Ctx, worker: &Client, grant: &JoinGrant) -> Result<Node> {
        let MeshCredential::Tailscale { auth_key, .. } = grant.mesh.clone();
        let (preflight, worker, left, deadline) =
            (self.preflight.clone(), worker.clone(), self.left(), self.deadline);
        let mut progress = ctx.ui.progress("Joining");
        let work = move || {
            preflight.join(&auth_key, left, &mut |step| progress.step(&sentence(&step)))?;
            seen_online(&worker, deadline, &mut progress).inspect_err(|_| {
                // What the undoing says would hide what is wrong.
                let _ = preflight.undo();
            })
        };
        match unless_interrupted(work)? {
            Some(outcome) => outcome,
            None => {
                self.preflight.undo()?;
                Err(Error::new(Kind::Local, "interrupted", "interrupted; this device is as it was before"))
            }
        }
    }

    /// The use goes back to the token; the file says what it said.
    fn give_back(&self, worker: &Client, earlier: Option<&WorkerRecord>, error: Error) -> Error {
        let restored = match earlier {
            Some(record) => self.file.write(record),
            None => self.file.remove(),
        };
        match (worker.remove_worker(), restored) {
            (Ok(()), Ok(())) => error,
            (Err(second), _) | (_, Err(second)) => {
                tracing::warn!(error = %second, "a join that failed could not be undone whole");
                error
            }
        }
    }

    fn finish(&self, ctx: &Ctx, grant: &JoinGrant, node: Node) -> Result<()> {
        let told = toml::Value::try_from(&node)
            .map_err(|e| Error::bug("a node does not fit into TOML").source(e))?;
        self.file.write(&WorkerRecord { node: Some(told), ..self.record(ctx, grant) })?;
        let organization = grant.organization.name.clone();
        let coordinator = self.word.coordinator.clone();
        let outcome = Outcome { node: ThisNode::Told(Box::new(node)), coordinator, already: false };
        ctx.ui.changed(&outcome, || {
            format!("Joined {organization} as {} ({}).", outcome.node.dns_name(), outcome.node.addresses())
        })?;
        ctx.ui.next("wonder worker status", "shows how this device stands");
        Ok(())
    }

    fn record(&self, ctx: &Ctx, grant: &JoinGrant) -> WorkerRecord {
        WorkerRecord {
            coordinator: self.word.coordinator.clone(),
            worker_key: grant.worker_key.clone(),
            token: self.fingerprint(),
            joined_at: ctx.now(),
            node: None,
        }
    }

    /// By what the token is known again that this device has joined with.
    fn fingerprint(&self) -> String {
        hex::encode(self.word.text.hash().as_bytes())
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

fn is_in(node: &LocalNode, target: &JoinTarget) -> bool {
    node.dns_name.split_once('.').is_some_and(|(_, domain)| domain == target.realm.domain)
}

fn other_realm(node: &LocalNode, target: &JoinTarget) -> Error {
    let message = format!(
        "this device is {}, and the token is for another network, {}",
        node.dns_name, target.realm.domain
    );
    Error::new(Kind::Conflict, "other_network", message).hint("`--force` replaces that log-in by the new one")
}

/// tailscaled is connected; now the coordinator is to say so too.
fn seen_online(worker: &Client, deadline: Instant, progress: &mut Progress) -> Result<Node> {
    progress.step("Waiting until the coordinator sees this device");
    loop {
        match worker.worker()?.node {
            Some(node) if node.online => return Ok(node),
            _ if Instant::now() >= deadline => return Err(unseen()),
            _ => sleep(BETWEEN_LOOKS),
        }
    }
}

fn unseen() -> Error {
    let message = "tailscaled is connected, and the coordinator did not see this device in time";
    Error::new(Kind::Unavailable, "join_timeout", message).hint("`--timeout` waits longer")
}

fn sentence(step: &Step) -> String {
    match step {
        Step::Starting => "Telling tailscaled where to connect to".into(),
        Step::LoggedIn => "Logged in; waiting for the network map".into(),
        Step::WaitingForApproval => "Waiting for a person to approve this device".into(),
        Step::Retrying(reason) => format!("Trying again: {reason}"),
        Step::Restoring => "Putting back what was there".into(),
    }
}
