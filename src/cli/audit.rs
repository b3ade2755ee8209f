//! `wonder audit`: who did what, and whether the trail is whole.

use clap::{Args, Subcommand};
use serde_json::json;
use std::time::Duration;

use super::ctx::Ctx;
use super::user::Place;
use super::value::Seconds;
use super::wait::wait;
use crate::api::{AuditQuery, Event, EventOrder, EventResult};
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
/// How many of the newest events are shown when nobody says, and before those that `--follow` waits for.
const NEWEST: u32 = 50;
const BEFORE_NEW_ONES: u32 = 10;
/// How far back an export goes when nobody says.
const EXPORTED: u32 = 86_400;

const EXAMPLES: &str = "\
Examples:
  wonder audit                                  the newest 50 events of the current organization
  wonder audit -n 200 --result refused          the newest 200 refusals
  wonder audit --since 30d --action node        all that was done to nodes in 30 days
  wonder audit --since 9d --until 2d
  wonder audit --actor ada@example.org --follow
  wonder audit --all --since 400d --lines > audit.jsonl
      everything on the coordinator, for its administrators, one JSON object a line
  sudo wonder audit verify                      on the coordinator's host";

/// Who did what, and what was refused
///
/// Shows the newest events, the newest of them last. With --since it shows all of that time.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Audit {
    #[command(subcommand)]
    command: Option<AuditCommand>,
    /// How many of the newest [default: 50; 10 before those that --follow waits for; all of them with --since]
    #[arg(short = 'n', long = "newest", value_name = "COUNT",
          value_parser = clap::value_parser!(u32).range(1..=MOST as i64))]
    newest: Option<u32>,
    /// How far back [default of --lines: 24h]
    #[arg(long, value_name = "DURATION")]
    since: Option<Seconds>,
    /// Not what happened after so long ago
    #[arg(long, value_name = "DURATION", conflicts_with = "follow")]
    until: Option<Seconds>,
    /// Only what this one did: a name, an e-mail address or an id
    #[arg(long, value_name = "NAME|ID")]
    actor: Option<String>,
    /// Only this action (`node.remove`), or all of a noun (`node`)
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// What was done alone, or what was refused alone
    #[arg(long, value_name = "RESULT",
          value_parser = clap::builder::PossibleValuesParser::new(["done", "refused"]))]
    result: Option<String>,
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

/// Reads page after page.
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
        let ago = |span: Seconds| {
            Timestamp::from_millis(ctx.now().as_millis().saturating_sub(i64::from(span.0) * 1000))
        };
        let exported = (audit.lines && audit.newest.is_none()).then_some(Seconds(EXPORTED));
        let query = AuditQuery {
            limit: Some(PAGE),
            since: audit.since.or(exported).map(ago),
            until: audit.until.map(ago),
            actor: audit.actor.clone(),
            action: audit.action.clone(),
            result: audit.result.as_deref().map(result_of),
            ..AuditQuery::default()
        };
        Ok(Reader { client, org, query })
    }

    fn run(mut self, ctx: &Ctx, audit: &Audit) -> Result<()> {
        let usual = if audit.follow { BEFORE_NEW_ONES } else { NEWEST };
        let newest = audit.newest.or(self.query.since.is_none().then_some(usual));
        if !audit.follow && !audit.lines {
            let events = match newest {
                Some(count) => self.newest(count as usize)?,
                None => self.at_most(MOST)?,
            };
            return ctx.ui.show(&under("events", &events), || table(ctx, &events));
        }
        let print = printer(ctx, audit.lines || ctx.ui.json);
        match newest {
            Some(count) => self.newest_and_on(count as usize, &print)?,
            None => self.rest(&print)?,
        }
        if !audit.follow {
            return Ok(());
        }
        loop {
            std::thread::sleep(LOOK);
            self.rest(&print)?;
        }
    }

    /// The newest; what is asked for later comes after them.
    fn newest_and_on(&mut self, count: usize, print: impl Fn(&Event) -> Result<()>) -> Result<()> {
        // Whatever fits later is newer than what is the newest now.
        let head = self.head()?;
        let events = self.newest(count)?;
        events.iter().try_for_each(print)?;
        self.query.after = events.last().map(|last| last.seq).max(head);
        self.query.since = None;
        Ok(())
    }

    /// A page; the next one goes on after it. False where it was the last.
    fn page(&mut self) -> Result<(Vec<Event>, bool)> {
        let page = self.client.audit(self.org.as_deref(), &self.query)?;
        self.query.cursor = page.next_cursor;
        Ok((page.events, self.query.cursor.is_some()))
    }

    /// All that is there now, the oldest first; what is asked for later comes after it.
    fn rest(&mut self, each: impl Fn(&Event) -> Result<()>) -> Result<()> {
        loop {
            let (events, more) = self.page()?;
            events.iter().try_for_each(&each)?;
            self.query.after = events.last().map(|last| last.seq).or(self.query.after);
            if !more {
                return Ok(());
            }
        }
    }

    /// The number of the newest event, whatever it is.
    fn head(&self) -> Result<Option<i64>> {
        let query = AuditQuery { limit: Some(1), order: Some(EventOrder::Desc), ..AuditQuery::default() };
        let newest = self.client.audit(self.org.as_deref(), &query)?;
        Ok(newest.events.first().map(|event| event.seq))
    }

    /// The newest of what fits, the oldest of them first.
    fn newest(&mut self, count: usize) -> Result<Vec<Event>> {
        self.query.order = Some(EventOrder::Desc);
        let mut found = Vec::new();
        let mut more = true;
        while more && found.len() < count {
            self.query.limit = u16::try_from(count - found.len()).ok().map(|left| left.min(PAGE));
            let (events, is_more) = self.page()?;
            found.extend(events);
            more = is_more;
        }
        found.reverse();
        self.query = AuditQuery { order: None, cursor: None, limit: Some(PAGE), ..self.query.clone() };
        Ok(found)
    }

    fn at_most(&mut self, most: usize) -> Result<Vec<Event>> {
        let mut all = Vec::new();
        loop {
            let (events, more) = self.page()?;
            all.extend(events);
            if !more {
                return Ok(all);
            }
            if all.len() >= most {
                return Err(Error::usage("too_many_events", format!("there are more than {most} events"))
                    .hint(
                        "ask for less with -n, --until, --actor or --action; or add --lines, which has no end",
                    ));
            }
        }
    }
}

/// Prints one event, as JSON or as a sentence.
fn printer(ctx: &Ctx, json: bool) -> impl Fn(&Event) -> Result<()> {
    let ui = ctx.ui;
    move |event| if json { ui.line(event) } else { ui.data(&sentence(event)) }
}

fn result_of(word: &str) -> EventResult {
    if word == EventResult::Refused.as_str() { EventResult::Refused } else { EventResult::Done }
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
    table.text("No event fits.")
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
