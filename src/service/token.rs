//! Join tokens: made, listed and revoked by people and integrations. How they are spent: [`super::join`].

use std::time::Duration;

use super::app::App;
use super::audit::{self, Change};
use super::authority::May;
use super::words;
use crate::core::action::Action;
use crate::core::id::{OrgId, TokenId};
use crate::core::page::Page;
use crate::core::role::{CreateJoinTokens, ViewJoinTokens};
use crate::core::token::JoinToken;
use crate::core::url::BaseUrl;
use crate::core::{Error, Kind, Result, tag};
use crate::store::join_token::{self, JoinTokenRow, NewJoinToken};
use crate::store::{Read, Tx};

/// How long a token is good when nobody says.
const TTL: Duration = Duration::from_secs(8 * 3600);
/// How long a token is good at most.
const LONGEST_TTL: Duration = Duration::from_secs(90 * 86_400);
/// For how many devices a token is good at most; more take a reusable one.
const MOST_USES: u32 = 10_000;

/// What somebody wants of a new token. What is left out: no name, 8 hours, one use, nodes that stay.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    pub name: Option<String>,
    pub ttl: Option<Duration>,
    pub uses: Option<u32>,
    pub reusable: bool,
    pub ephemeral: bool,
    pub tags: Vec<String>,
}

/// A token that was just made: its secret is known here, and never again.
#[derive(Debug)]
pub struct Made {
    pub token: JoinTokenRow,
    pub word: JoinToken,
}

/// Makes a token that leads to `coordinator`.
pub async fn create(
    app: &App,
    may: &May<CreateJoinTokens>,
    coordinator: BaseUrl,
    wish: Wish,
) -> Result<Made> {
    let (word, now) = (JoinToken::new(coordinator), app.now());
    let new = NewJoinToken {
        id: TokenId::new(now),
        org_id: may.org(),
        name: words::optional_name(wish.name.as_deref())?,
        secret: word.auth_key().hash(),
        uses: uses(wish.uses, wish.reusable)?,
        ephemeral: wish.ephemeral,
        tags: tag::normalize(wish.tags)?,
        created_by: may.user(),
        created_at: now,
        expires_at: now.plus(words::ttl(wish.ttl, TTL, LONGEST_TTL)?),
        grant: may.grant(),
    };
    let (actor, org, id) = (may.actor().clone(), may.org(), new.id);
    let token = app.store().write(move |tx| {
        let change = Change::new(Action::TokenCreate, id, &new.name).of(org);
        join_token::insert(tx, new)?;
        audit::record(tx, now, &actor, change)?;
        join_token::by_id(tx, org, id)?.ok_or_else(|| Error::bug("an inserted join token is missing"))
    });
    Ok(Made { token: token.await?, word })
}

/// `None`: reusable.
fn uses(uses: Option<u32>, reusable: bool) -> Result<Option<i64>> {
    match (uses, reusable) {
        (Some(_), true) => Err(Error::usage("contradiction", "a reusable token has no number of uses")
            .hint("give either a number of uses, or reusable")),
        (None, true) => Ok(None),
        (uses, false) => match uses.unwrap_or(1) {
            uses @ 1..=MOST_USES => Ok(Some(uses.into())),
            _ => Err(Error::usage("malformed_uses", format!("a token is for 1 to {MOST_USES} devices"))
                .hint("make a reusable token for more")),
        },
    }
}

/// A page of the organization's tokens, the newest first, and the cursor of the next one.
pub async fn list(
    app: &App,
    may: &May<ViewJoinTokens>,
    page: Page,
) -> Result<(Vec<JoinTokenRow>, Option<String>)> {
    let (org, before, rows) = (may.org(), page.after()?, page.rows());
    let tokens = app.store().read(move |read| join_token::list_of_org(read, org, before, rows)).await?;
    Ok(page.cut(tokens, |token| token.id.to_string()))
}

/// One token, by its id or an unambiguous name.
pub async fn show(app: &App, may: &May<ViewJoinTokens>, reference: &str) -> Result<JoinTokenRow> {
    let (org, reference) = (may.org(), reference.to_owned());
    app.store().read(move |read| find(read, org, &reference)).await
}

/// Revokes a token: it lets nobody in from now on, and what it minted joins nobody either. Nodes that joined
/// with it stay.
pub async fn revoke(app: &App, may: &May<CreateJoinTokens>, reference: &str) -> Result<JoinTokenRow> {
    let (org, reference, actor, now) = (may.org(), reference.to_owned(), may.actor().clone(), app.now());
    let revoke = move |tx: &mut Tx<'_>| {
        let token = find(tx, org, &reference)?;
        if join_token::revoke(tx, token.id, now)? {
            audit::record(tx, now, &actor, Change::new(Action::TokenRevoke, token.id, &token.name).of(org))?;
        }
        find(tx, org, &token.id.to_string())
    };
    app.store().write(revoke).await
}

fn find(read: &mut Read<'_>, org: OrgId, reference: &str) -> Result<JoinTokenRow> {
    let mut found = match reference.parse() {
        Ok(id) => join_token::by_id(read, org, id)?.into_iter().collect(),
        Err(_) => join_token::by_name(read, org, reference)?,
    };
    match found.len() {
        0 | 1 => found.pop().ok_or_else(|| Error::not_found("token", reference)),
        _ => Err(Error::new(
            Kind::Conflict,
            "ambiguous_name",
            format!("more than one token is called {reference}"),
        )
        .hint("name it by its id, which `wonder token list` shows")),
    }
}
