//! `/o/{org}/add`: how a device comes in. A form makes a join token; what follows shows what to do with it on
//! each kind of device. `/phone` is where the picture leads that a phone scans: it holds no secret.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;
use std::time::Duration;

use super::form::Form;
use super::layout::{self, Tab};
use super::parts::{self, Field};
use super::qr;
use super::text::{self, add as t};
use super::visitor::{Guest, Inside};
use crate::core::page::{MAX_LIMIT, Page};
use crate::core::role::{CreateJoinTokens, ViewNodes};
use crate::core::time::parse_duration;
use crate::core::url::BaseUrl;
use crate::core::{Error, Result};
use crate::server::problem::{self, Answer};
use crate::server::state::State;
use crate::service::authority::May;
use crate::service::node::{self, Seen};
use crate::service::token::{self, Made, Wish};

/// For so long a device counts as one that has just joined.
const JUST_NOW: Duration = Duration::from_secs(15 * 60);
/// What a token can be made to last, and what that is called.
const LIFETIMES: [(&str, &str); 4] =
    [("1h", "1 hour"), ("8h", "8 hours"), ("7d", "7 days"), ("90d", "90 days")];

pub fn routes() -> Router<State> {
    Router::new().route("/o/{org}/add", get(show).post(make)).route("/phone", get(phone))
}

async fn show(state: State, inside: Inside<CreateJoinTokens>) -> Answer<Response> {
    let arrived = arrived(&state, &inside.may).await?;
    let body = html! {
        (head())
        div.grid.two {
            div.grid { (ask(&inside, &Asked::default(), None)) (arrivals(&inside, &arrived)) }
            (phone_card(state.url()))
        }
    };
    Ok(layout::inside(t::TITLE, &inside, Tab::Devices, &body))
}

fn head() -> Markup {
    html! { div.head { h1 { (t::TITLE) } p.about { (t::LEAD) } } }
}

/// The form's fields, as they were sent.
#[derive(Deserialize)]
#[serde(default)]
struct Asked {
    name: String,
    ttl: String,
    uses: String,
    reusable: Option<String>,
    ephemeral: Option<String>,
    tags: String,
}

impl Default for Asked {
    fn default() -> Self {
        Asked {
            name: String::new(),
            ttl: "8h".to_owned(),
            uses: "1".to_owned(),
            reusable: None,
            ephemeral: None,
            tags: String::new(),
        }
    }
}

impl Asked {
    fn wish(&self) -> Result<Wish> {
        let uses = self.uses.trim().parse::<u32>();
        let uses = uses.map_err(|_| Error::usage("malformed_uses", "the number of devices is a number"));
        let name = self.name.trim();
        Ok(Wish {
            name: (!name.is_empty()).then(|| name.to_owned()),
            ttl: Some(parse_duration(&self.ttl)?),
            uses: if self.reusable.is_some() { None } else { Some(uses?) },
            reusable: self.reusable.is_some(),
            ephemeral: self.ephemeral.is_some(),
            tags: self.tags.split([',', ' ']).filter(|tag| !tag.is_empty()).map(str::to_owned).collect(),
        })
    }
}

fn ask(inside: &Inside<CreateJoinTokens>, asked: &Asked, problem: Option<&crate::api::Problem>) -> Markup {
    html! {
        section.card aria-labelledby="computer" {
            h2 #computer { (t::COMPUTER) }
            p.lead { (t::COMPUTER_LEAD) }
            (parts::complaint(problem))
            form.stack method="post" action=(inside.path("/add")) {
                (inside.visitor.form())
                details.more-of open[problem.is_some()] {
                    summary { (t::OPTIONS) }
                    (options(asked))
                }
                div.actions { button type="submit" { (t::MAKE) } }
            }
        }
    }
}

fn options(asked: &Asked) -> Markup {
    let name = Field {
        name: "name",
        label: t::NAME,
        value: &asked.name,
        hint: Some(t::NAME_HINT),
        required: false,
        ..Field::default()
    };
    let uses = Field {
        name: "uses",
        label: t::USES,
        kind: "number",
        value: &asked.uses,
        hint: Some(t::USES_HINT),
        ..Field::default()
    };
    let tags = Field {
        name: "tags",
        label: t::TAGS,
        value: &asked.tags,
        hint: Some(t::TAGS_HINT),
        required: false,
        ..Field::default()
    };
    html! {
        div.stack {
            div.row { (name) (uses) (lifetime(&asked.ttl)) }
            (tags)
            fieldset {
                legend.unseen { (t::OPTIONS) }
                (choice("reusable", asked.reusable.is_some(), t::REUSABLE, t::REUSABLE_HINT))
                (choice("ephemeral", asked.ephemeral.is_some(), t::EPHEMERAL, t::EPHEMERAL_HINT))
            }
        }
    }
}

fn lifetime(chosen: &str) -> Markup {
    html! {
        div.field {
            label for="f-ttl" { (t::TTL) }
            select #f-ttl name="ttl" {
                @for (value, name) in LIFETIMES { option value=(value) selected[value == chosen] { (name) } }
            }
        }
    }
}

fn choice(name: &str, checked: bool, label: &str, hint: &str) -> Markup {
    html! {
        label.choice {
            input type="checkbox" name=(name) value="on" checked[checked];
            span { (label) span { (hint) } }
        }
    }
}

async fn make(state: State, inside: Inside<CreateJoinTokens>, Form(asked): Form<Asked>) -> Answer<Response> {
    let made = match asked.wish() {
        Ok(wish) => token::create(&state.app, &inside.may, state.url().clone(), wish).await,
        Err(error) => Err(error),
    };
    let body = match made {
        Ok(made) => {
            let arrived = arrived(&state, &inside.may).await?;
            html! { (commands(&inside, &made, state.url())) (arrivals(&inside, &arrived)) }
        }
        Err(error) => html! { (head()) (ask(&inside, &asked, Some(&problem::words(&error)))) },
    };
    Ok(layout::inside(t::TITLE, &inside, Tab::Devices, &body))
}

/// A kind of device: its id, its name, and what to do there.
type Platform = (&'static str, &'static str, Markup);

fn commands(inside: &Inside<CreateJoinTokens>, made: &Made, url: &BaseUrl) -> Markup {
    let platforms = platforms(made, url);
    html! {
        p.crumb { a href=(inside.path("/add")) { "← " (t::AGAIN) } }
        div.head { h1 { (t::READY) } p.about { (validity(inside, made)) } }
        section.card aria-labelledby="where" {
            h2.unseen #where { (t::WHERE) }
            div.platforms {
                fieldset {
                    legend.unseen { (t::WHERE) }
                    @for (index, (id, name, _)) in platforms.iter().enumerate() {
                        label { input type="radio" name="platform" value=(id) class={ "pick-" (id) } checked[index == 0]; span { (name) } }
                    }
                }
                @for (id, name, steps) in &platforms {
                    section class={ "on-" (id) } aria-label=(name) { (steps) }
                }
            }
        }
    }
}

fn validity(inside: &Inside<CreateJoinTokens>, made: &Made) -> Markup {
    let token = &made.token;
    html! {
        @match token.uses {
            Some(1) => { (t::FOR_ONE) },
            Some(uses) => { (t::for_many(uses)) },
            None => { (t::FOR_ANY) },
        }
        " " (t::UNTIL) " " (parts::when(token.expires_at, inside.visitor.now)) ". " (t::ONCE)
    }
}

fn platforms(made: &Made, url: &BaseUrl) -> [Platform; 4] {
    let (word, key) = (made.word.encode(), made.word.auth_key());
    let up = format!("tailscale up --login-server {url} --auth-key {}", key.reveal());
    let wonder = format!("wonder worker join {}", word.reveal());
    let tailscale = |before: &str, command: &str| {
        html! { ol.steps { li { (before) } li { (t::THEN_RUN) (parts::copyable(t::COMMAND, command)) } } }
    };
    let linux = html! {
        h3 { (t::WITH_WONDER) }
        p { (t::WITH_WONDER_LEAD) }
        (parts::copyable(t::COMMAND, &format!("sudo {wonder}")))
        h3 { (t::WITH_TAILSCALE) }
        p { (t::WITH_TAILSCALE_LEAD) }
        (parts::copyable(t::COMMAND, &format!("sudo {up}")))
    };
    [
        ("linux", "Linux", linux),
        ("macos", "macOS", tailscale(t::MACOS, &up)),
        ("windows", "Windows", tailscale(t::WINDOWS, &up)),
        ("phone", t::PHONE_TAB, scan(url)),
    ]
}

fn phone_card(url: &BaseUrl) -> Markup {
    html! {
        section.card aria-labelledby="phone" {
            h2 #phone { (t::PHONE) }
            (scan(url))
        }
    }
}

/// The picture for a phone's camera, and what to do where there is none.
fn scan(url: &BaseUrl) -> Markup {
    let page = format!("{url}/phone");
    html! {
        div.scan {
            @if let Some(picture) = qr::picture(&page, t::PICTURE) { (picture) }
            div {
                p { (t::SCAN) }
                p.fine { (t::SCAN_ELSE) " " a href="/phone" { (page) } }
            }
        }
    }
}

/// Devices that have just joined, the newest first.
async fn arrived(state: &State, may: &May<CreateJoinTokens>) -> Result<Vec<Seen>> {
    let Some(view) = may.also::<ViewNodes>() else { return Ok(Vec::new()) };
    let since = state.app.now().as_millis() - i64::try_from(JUST_NOW.as_millis()).unwrap_or(0);
    let (mut nodes, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = Page::new(Some(MAX_LIMIT), cursor.as_deref())?;
        let (found, next) = node::list(&state.app, &view, page).await?;
        nodes.extend(found.into_iter().filter(|seen| seen.node.created_at.as_millis() >= since));
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    nodes.reverse();
    nodes.truncate(5);
    Ok(nodes)
}

fn arrivals(inside: &Inside<CreateJoinTokens>, arrived: &[Seen]) -> Markup {
    html! {
        section.card aria-labelledby="arrived" data-live=(inside.path("/live")) {
            h2 #arrived { (t::ARRIVED) }
            div data-part="arrived" aria-live="polite" {
                @if arrived.is_empty() { p.lead { (t::NOBODY) } }
                @else {
                    ul.plain-list {
                        @for seen in arrived {
                            li {
                                a href=(inside.path(&format!("/devices/{}", seen.node.name))) { (seen.node.name) }
                                " " code { (seen.node.address.v4()) } " "
                                (parts::presence(seen, inside.visitor.now))
                            }
                        }
                    }
                }
            }
        }
    }
}

async fn phone(guest: Guest) -> Response {
    let body = html! {
        div.card.middle {
            h1 { (t::PHONE_TITLE) }
            p.lead { (t::PHONE_LEAD) }
            (parts::copyable(t::SERVER, guest.url.as_str()))
            div.grid.even {
                @for (system, steps) in [("iPhone, iPad", t::IOS), ("Android", t::ANDROID)] {
                    section { h2 { (system) } ol.steps { @for step in steps { li { (step) } } } }
                }
            }
            p.fine { (t::PHONE_LAST) }
        }
    };
    layout::guest(text::add::PHONE_TITLE, &guest, StatusCode::OK, &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_form_asks_is_read() {
        let asked = Asked { name: " shed ".into(), tags: "tag:a, tag:b".into(), ..Asked::default() };
        let wish = asked.wish().unwrap();
        assert_eq!((wish.name.as_deref(), wish.uses, wish.reusable), (Some("shed"), Some(1), false));
        assert_eq!((wish.ttl, wish.tags.len()), (Some(Duration::from_secs(8 * 3600)), 2));
        let reusable = Asked { reusable: Some("on".into()), ..Asked::default() }.wish().unwrap();
        assert_eq!((reusable.uses, reusable.reusable), (None, true));
        assert_eq!(
            Asked { uses: "many".into(), ..Asked::default() }.wish().unwrap_err().code(),
            "malformed_uses"
        );
    }

    #[test]
    fn a_url_becomes_a_picture() {
        let picture = qr::picture("http://192.168.1.10:8080/phone", t::PICTURE).unwrap().into_string();
        assert!(picture.contains("viewBox=\"0 0 37 37\"") && picture.contains("role=\"img\""), "{picture}");
    }
}
