//! `wonder audit`: who did what, and whether the trail is whole.

use clap::{Args, Subcommand};
use serde_json::json;
use std::time::Duration;

use super::ctx::Ctx;
use super::user::Place;
use super::value::Seconds;
use super::wait::wait;
use crate::api::{AuditQuery, Event, EventList, EventResult};
use crate::auth::vault::Vault;
use crate::client::Client;
use crate::config::master_key;
use crate::core::chain::Link;
use crate::core::{Error, Kind, Result, Timestamp};
use crate::service::chain::{self, Verified};
use crate::service::identity;
use crate::ui::{Table, ago, clean, under};

/// How many events a page has.
const PAGE: u16 = 200;
/// How many events one answer holds at most; more are for `--lines`.
const MOST: usize = 10_000;
/// How often `--follow` looks for more.
const LOOK: Duration = Duration::from_secs(2);
/// What is shown when nobody says.
const SINCE: u32 = 86_400;

const EXAMPLES: &str = "\
Examples:
  wonder audit                                  the last day of the current organization
  wonder audit --since 30d --action node        all that was done to nodes
  wonder audit --actor ada@example.org --follow
  wonder audit --all --since 400d --lines > audit.jsonl
      everything on the coordinator, for its administrators, one JSON object a line
  sudo wonder audit verify                      on the coordinator's host";

/// Who did what, and what was refused
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Audit {
    #[command(subcommand)]
    command: Option<AuditCommand>,
    /// How far back [default: 24h]
    #[arg(long, value_name = "DURATION")]
    since: Option<Seconds>,
    /// Only what this one did: a name, an e-mail address or an id
    #[arg(long, value_name = "NAME|ID")]
    actor: Option<String>,
    /// Only this action (`node.remove`), or all of a noun (`node`)
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Go on, and print what happens from now on
    #[arg(long)]
    follow: bool,
    /// Print one JSON object a line, however many there are
    #[arg(long)]
    lines: bool,
    /// All organizations and the coordinator itself: for its administrators
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Check that no event was changed, put in or taken out; on the coordinator's host
    Verify {
        /// The newest link of an earlier check, as it was printed: the trail must still hold it
        #[arg(long, value_name = "SEQ:HASH")]
        known: Option<Link>,
        #[command(flatten)]
        place: Place,
    },
}

pub fn run(ctx: &Ctx, audit: Audit) -> Result<()> {
    match audit.command {
        Some(AuditCommand::Verify { known, place }) => verify(ctx, known, &place),
        None => Reader::new(ctx, &audit)?.run(ctx, &audit),
    }
}

/// Reads on, page after page.
struct Reader {
    client: Client,
    /// None: all of the coordinator.
    org: Option<String>,
    query: AuditQuery,
}

impl Reader {
    fn new(ctx: &Ctx, audit: &Audit) -> Result<Self> {
        let (client, org) = match audit.all {
            true => (ctx.session()?.client, None),
            false => ctx.acting().map(|acting| (acting.client, Some(acting.org)))?,
        };
        let back = i64::from(audit.since.map_or(SINCE, |since| since.0)) * 1000;
        let query = AuditQuery {
            limit: Some(PAGE),
            since: Some(Timestamp::from_millis(ctx.now().as_millis().saturating_sub(back))),
            actor: audit.actor.clone(),
            action: audit.action.clone(),
            ..AuditQuery::default()
        };
        Ok(Reader { client, org, query })
    }

    fn run(mut self, ctx: &Ctx, audit: &Audit) -> Result<()> {
        if !audit.follow && !audit.lines {
            let events = self.at_most(MOST)?;
            return ctx.ui.show(&under("events", &events), || table(ctx, &events));
        }
        let json = audit.lines || ctx.ui.json;
        loop {
            let page = self.next()?;
            for event in &page.events {
                if json { ctx.ui.line(event)? } else { ctx.ui.data(&sentence(event))? }
            }
            if page.next_cursor.is_some() {
                continue;
            }
            if !audit.follow {
                return Ok(());
            }
            std::thread::sleep(LOOK);
        }
    }

    /// The next page; what is asked for later comes after it.
    fn next(&mut self) -> Result<EventList> {
        let page = self.client.audit(self.org.as_deref(), &self.query)?;
        if let Some(last) = page.events.last() {
            self.query.after = Some(last.seq);
        }
        Ok(page)
    }

    fn at_most(&mut self, most: usize) -> Result<Vec<Event>> {
        let mut all = Vec::new();
        loop {
            let page = self.next()?;
            all.extend(page.events);
            if page.next_cursor.is_none() {
                return Ok(all);
            }
            if all.len() >= most {
                return Err(Error::usage("too_many_events", format!("there are more than {most} events"))
                    .hint(
                        "ask for less with --since, --actor or --action; or add --lines, which has no end",
                    ));
            }
        }
    }
}

fn table(ctx: &Ctx, events: &[Event]) -> String {
    let mut table = Table::new(&["WHEN", "WHO", "WHAT", "ON", "FROM", "RESULT"]);
    for event in events {
        table.row([
            ago(ctx.now(), event.at).into(),
            event.actor.name.clone().into(),
            event.action.clone().into(),
            event.target.name.clone().into(),
            event.address.map(|address| address.to_string()).unwrap_or_default().into(),
            result(event).into(),
        ]);
    }
    table.text("Nothing happened in that time. --since 30d looks further back.")
}

fn result(event: &Event) -> String {
    let code = event.code.clone().unwrap_or_default();
    match (event.result, event.unwritten) {
        (EventResult::Done, _) => "done".into(),
        (EventResult::Refused, 0) => code,
        (EventResult::Refused, more) => format!("{code} (and {more} more before)"),
    }
}

fn sentence(event: &Event) -> String {
    let from = event.address.map(|address| format!(" from {address}")).unwrap_or_default();
    let line = format!(
        "{}  {}  {}  {}{from}  {}",
        event.at,
        event.actor.name,
        event.action,
        event.target.name,
        result(event)
    );
    clean(&line)
}

fn verify(ctx: &Ctx, known: Option<Link>, place: &Place) -> Result<()> {
    let (app, operator) = place.open()?;
    let master = Vault::find(master_key::Place::find(&place.data_dir()?))?;
    let found = wait(async {
        let key = match master {
            Some(master) => identity::stamp_key(app.store(), &master).await?,
            None => None,
        };
        chain::verify(&app, &operator, key, known).await
    })?;
    if let Some(first) = found.faults.first() {
        return Err(broken(first, &found));
    }
    if found.stamped.is_none() && found.head != Link::START {
        ctx.ui.warn("there is no master key here to check the coordinator's stamps with");
    }
    ctx.ui.show(&document(&found), || report(&found))?;
    ctx.ui.next(&format!("wonder audit verify --known {}", found.head), "later: write it down elsewhere");
    Ok(())
}

fn document(found: &Verified) -> serde_json::Value {
    json!({ "verified": {
        "events": found.checked,
        "begins_after": found.begin.to_string(),
        "head": found.head.to_string(),
        "stamped": found.stamped.map(|link| link.to_string()),
        "unlinked": found.unlinked,
    } })
}

fn report(found: &Verified) -> String {
    let begin = match found.begin.seq {
        0 => String::new(),
        seq => format!(" Those up to {seq} were deleted when their time was over."),
    };
    let waiting = match found.unlinked {
        0 => String::new(),
        count => format!(" {count} wait for their link."),
    };
    format!("The audit trail is whole: {} events.{begin}{waiting}\n{}", found.checked, found.head)
}

fn broken(first: &str, found: &Verified) -> Error {
    let more = match found.faults.len() {
        1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    Error::new(Kind::Local, "audit_broken", format!("the audit trail is not whole: {first}{more}"))
        .hint("compare with a backup or an export; docs/audit.md says what each finding means")
}
