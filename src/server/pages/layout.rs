//! What surrounds every page: the head, the bar with the organization and the account, the sections of an
//! organization, a note of what was just done, and landmarks for those who do not see it.

use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use std::time::Duration;

use super::cookie::Cookie;
use super::visitor::{Guest, Inside, Visitor};
use super::{assets, parts, providers, text};
use crate::core::role::{
    Permission, ViewApiKeys, ViewApps, ViewAudit, ViewJoinTokens, ViewMembers, ViewNodes, ViewOrganization,
};
use crate::core::url::BaseUrl;
use crate::service::authority::May;
use crate::store::organization::Organization;

pub const HTML: &str = "text/html; charset=utf-8";

/// How long a browser without a log-in keeps what its forms are bound to.
const FORM_KEY_LASTS: Duration = Duration::from_secs(86_400);

/// A section of an organization's pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    Overview,
    Devices,
    Tokens,
    Keys,
    Members,
    Apps,
    Audit,
    Organization,
}

impl Tab {
    const ALL: [Tab; 8] = [
        Tab::Overview,
        Tab::Devices,
        Tab::Members,
        Tab::Tokens,
        Tab::Keys,
        Tab::Apps,
        Tab::Audit,
        Tab::Organization,
    ];

    /// Its path below the organization's, its name, and whether this visitor may see it.
    fn about<P: Permission>(self, may: &May<P>) -> (&'static str, &'static str, bool) {
        match self {
            Tab::Overview => ("", text::tab::OVERVIEW, may.also::<ViewOrganization>().is_some()),
            Tab::Devices => ("/devices", text::tab::DEVICES, may.also::<ViewNodes>().is_some()),
            Tab::Tokens => ("/tokens", text::tab::TOKENS, may.also::<ViewJoinTokens>().is_some()),
            Tab::Keys => ("/keys", text::tab::KEYS, may.also::<ViewApiKeys>().is_some()),
            Tab::Members => ("/members", text::tab::MEMBERS, may.also::<ViewMembers>().is_some()),
            Tab::Apps => ("/apps", text::tab::APPS, may.also::<ViewApps>().is_some()),
            Tab::Audit => ("/audit", text::tab::AUDIT, may.also::<ViewAudit>().is_some()),
            Tab::Organization => {
                ("/organization", text::tab::ORGANIZATION, may.also::<ViewOrganization>().is_some())
            }
        }
    }
}

/// A page that belongs to no organization.
pub fn page(title: &str, visitor: &Visitor, body: &Markup) -> Response {
    let bar = bar(visitor, None);
    respond(visitor, &document(title, &bar, None, visitor.note.as_ref().map(|n| n.text()), body))
}

/// A page of an organization, in one of its sections.
pub fn inside<P: Permission>(title: &str, inside: &Inside<P>, tab: Tab, body: &Markup) -> Response {
    let organization = inside.may.organization();
    let bar = bar(&inside.visitor, Some(organization));
    let tabs = tabs(inside, tab);
    let title = format!("{title} · {}", organization.name);
    let note = inside.visitor.note.as_ref().map(|note| note.text());
    respond(&inside.visitor, &document(&title, &bar, Some(&tabs), note, body))
}

/// A page for somebody of whom nothing is known yet.
pub fn guest(title: &str, guest: &Guest, status: StatusCode, body: &Markup) -> Response {
    let mut response = (status, bare(title, body).into_string()).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(HTML));
    let fresh = guest.fresh.as_ref();
    if let Some(cookie) = fresh.and_then(|key| Cookie::Form.set(key.reveal(), FORM_KEY_LASTS, &guest.url)) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// A page that says nothing of who looks at it.
pub fn bare(title: &str, body: &Markup) -> Markup {
    let bar = html! { header.bar { div.inner { (brand()) } } };
    document(title, &bar, None, None, body)
}

/// The answer; a note that it shows is told once.
fn respond(visitor: &Visitor, page: &Markup) -> Response {
    let mut response = page.0.clone().into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(HTML));
    if visitor.note.is_some()
        && let Some(cookie) = Cookie::Note.clear(&visitor.url)
    {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

fn document(title: &str, bar: &Markup, tabs: Option<&Markup>, note: Option<&str>, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · " (text::BRAND) }
                link rel="stylesheet" href=(assets::style());
                link rel="icon" type="image/svg+xml" href=(assets::icon());
                script src=(assets::script()) defer {}
            }
            body {
                a.skip href="#main" { (text::SKIP) }
                (bar)
                @if let Some(tabs) = tabs { (tabs) }
                main #main tabindex="-1" {
                    @if let Some(note) = note { p.note role="status" { (note) } }
                    (body)
                }
            }
        }
    }
}

fn brand() -> Markup {
    html! { a.brand href="/" { (PreEscaped(parts::MARK)) span { (text::BRAND) } } }
}

fn bar(visitor: &Visitor, here: Option<&Organization>) -> Markup {
    html! {
        header.bar {
            div.inner {
                (brand())
                @if let Some(here) = here { (switcher(visitor, here)) }
                div.space {}
                (account(visitor))
            }
        }
    }
}

/// The organization that this is, and the way to the others.
fn switcher(visitor: &Visitor, here: &Organization) -> Markup {
    let others: Vec<_> =
        visitor.memberships().iter().map(|m| &m.organization).filter(|o| o.id != here.id).collect();
    html! {
        span.slash aria-hidden="true" { "/" }
        @if others.is_empty() {
            a.place href=(visitor.path(here, "")) { (here.name) }
        } @else {
            details.menu {
                summary { (here.name) (PreEscaped(parts::CHEVRON)) }
                ul {
                    @for other in others { li { a href=(visitor.path(other, "")) { (other.name) } } }
                }
            }
        }
    }
}

fn account(visitor: &Visitor) -> Markup {
    let email = visitor.person().email.to_string();
    let initial = email.chars().next().unwrap_or('?').to_uppercase().to_string();
    html! {
        details.menu.right {
            summary aria-label=(text::account::MENU) {
                span.avatar aria-hidden="true" { (initial) }
                (PreEscaped(parts::CHEVRON))
            }
            ul {
                li.who { (text::account::AS) strong { (email) } }
                li { a href="/settings" { (text::account::SETTINGS) } }
                li { a href="/approve" { (text::account::APPROVE) } }
                li { a href="/organizations/new" { (text::account::NEW_ORGANIZATION) } }
                @if visitor.person().admin {
                    li { a href=(providers::PATH) { (text::account::PROVIDERS) } }
                }
                @if visitor.person().admin { li { a href="/audit" { (text::account::AUDIT) } } }
                li {
                    form method="post" action="/logout" {
                        (visitor.form())
                        button.plain type="submit" { (text::account::LOG_OUT) }
                    }
                }
            }
        }
    }
}

fn tabs<P: Permission>(inside: &Inside<P>, here: Tab) -> Markup {
    html! {
        nav.tabs aria-label=(text::tab::LABEL) {
            ul {
                @for tab in Tab::ALL {
                    @let (path, name, open) = tab.about(&inside.may);
                    @if open {
                        li { a href=(inside.path(path)) aria-current=[(tab == here).then_some("page")] { (name) } }
                    }
                }
            }
        }
    }
}

/// Where a coordinator is, without its scheme, as people say it.
pub fn host(url: &BaseUrl) -> &str {
    url.as_str().split_once("://").map_or("", |(_, rest)| rest)
}
