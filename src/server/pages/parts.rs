//! The pieces that pages are made of: times, states, fields, commands to copy, dangerous buttons, empty places.

use maud::{Markup, PreEscaped, html};
use serde::Deserialize;

use super::form::FormToken;
use super::text;
use crate::core::Timestamp;
use crate::core::role::Scope;
use crate::service::node::Seen;

/// The mark: three devices that see each other.
pub const MARK: &str = r#"<svg class="mark" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true"><path d="M12 5.5 5.5 17h13z" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linejoin="round"/><circle cx="12" cy="5" r="3.2"/><circle cx="5" cy="18" r="3.2"/><circle cx="19" cy="18" r="3.2"/></svg>"#;
pub const CHEVRON: &str = r#"<svg class="chevron" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true"><path d="m4 6 4 4 4-4" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"/></svg>"#;

/// A message as a sentence, with a capital and a full stop; what stands between backticks is code.
pub fn sentence(message: &str) -> Markup {
    let capital = match message.split_once(' ') {
        // The name of something begins as it begins.
        Some((first, _)) if first.bytes().all(|b| b.is_ascii_lowercase()) => {
            message[..1].to_uppercase() + &message[1..]
        }
        _ => message.to_owned(),
    };
    let end = if message.ends_with(['.', '!', '?', ':']) { "" } else { "." };
    html! {
        @for (index, part) in capital.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
        (end)
    }
}

/// How long ago, or in how long, with the exact time for those who ask.
pub fn when(at: Timestamp, now: Timestamp) -> Markup {
    html! { time datetime=(at) title=(exact(at)) { (relative(at, now)) } }
}

/// `2026-11-23 02:44 UTC`.
pub fn exact(at: Timestamp) -> String {
    let text = at.to_string();
    let (date, time) = text.split_once('T').unwrap_or((&text, ""));
    format!("{date} {} UTC", time.get(..5).unwrap_or_default())
}

fn relative(at: Timestamp, now: Timestamp) -> String {
    let (past, future) = (now.since(at).as_secs(), at.since(now).as_secs());
    match (past, future) {
        (0..60, 0) => text::time::NOW.to_owned(),
        (past @ 60.., _) => format!("{} {}", amount(past), text::time::AGO),
        // What ends in 7:59:59 ends in 8 hours.
        (_, future) => format!("{} {}", text::time::IN, amount(future.next_multiple_of(60))),
    }
}

/// `1 minute`, `5 hours`, `3 days`: the largest unit, rounded down.
pub fn amount(seconds: u64) -> String {
    const UNITS: [(u64, &str); 5] =
        [(365 * 86_400, "year"), (86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")];
    let (count, unit) = UNITS
        .iter()
        .map(|(size, unit)| (seconds / size, *unit))
        .find(|(n, _)| *n > 0)
        .unwrap_or((0, "second"));
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// A labelled field of a form.
pub struct Field<'a> {
    pub name: &'a str,
    pub label: &'a str,
    /// `text`, `email`, `password`, `number`.
    pub kind: &'a str,
    pub value: &'a str,
    pub hint: Option<&'a str>,
    /// What browsers fill in (HTML, `autocomplete`).
    pub autocomplete: &'a str,
    pub required: bool,
}

impl<'a> Field<'a> {
    /// The address of an account.
    pub fn email(value: &'a str) -> Self {
        let (kind, autocomplete) = ("email", "username");
        Field { name: "email", label: text::EMAIL, kind, value, autocomplete, ..Field::default() }
    }
}

impl Default for Field<'_> {
    fn default() -> Self {
        let (name, label, value) = ("", "", "");
        Field { name, label, kind: "text", value, hint: None, autocomplete: "off", required: true }
    }
}

impl maud::Render for Field<'_> {
    fn render(&self) -> Markup {
        let id = format!("f-{}", self.name);
        let hint_id = format!("{id}-hint");
        let value = (self.kind != "password").then_some(self.value);
        html! {
            div.field {
                label for=(id) { (self.label) }
                input #(id) name=(self.name) type=(self.kind) value=[value] autocomplete=(self.autocomplete)
                    required[self.required] aria-describedby=[self.hint.map(|_| &hint_id)]
                    spellcheck="false" autocapitalize="none";
                @if let Some(hint) = self.hint { p.hint #(hint_id) { (hint) } }
            }
        }
    }
}

/// A labelled choice of one of several: what is sent, and what is read.
pub struct Choice<'a> {
    pub name: &'a str,
    pub label: &'a str,
    pub options: &'a [(&'a str, &'a str)],
    pub chosen: &'a str,
}

impl maud::Render for Choice<'_> {
    fn render(&self) -> Markup {
        let id = format!("f-{}", self.name);
        html! {
            div.field {
                label for=(id) { (self.label) }
                select #(id) name=(self.name) {
                    @for (value, name) in self.options {
                        option value=(value) selected[*value == self.chosen] { (name) }
                    }
                }
            }
        }
    }
}

/// Where a page of a list begins: after this cursor.
#[derive(Deserialize)]
pub struct From {
    pub after: Option<String>,
}

/// The way to the next page of the list at `path`, where there is one.
pub fn more(path: &str, next: Option<&str>) -> Markup {
    html! {
        @if let Some(next) = next {
            p.more { a href=(format!("{path}?after={next}")) { (text::device::MORE) } }
        }
    }
}

/// Boxes for what an API key or an app may do, with those ticked that are chosen.
pub fn scopes(title: &str, chosen: &[String]) -> Markup {
    html! {
        fieldset {
            legend { (title) }
            @for scope in Scope::ALL {
                label.choice {
                    input type="checkbox" name="scope" value=(scope) checked[chosen.iter().any(|s| s == scope.as_str())];
                    span { (text::scope(*scope)) span { code { (scope) } } }
                }
            }
        }
    }
}

/// What was wrong with a form that is shown again.
pub fn complaint(problem: Option<&crate::api::Problem>) -> Markup {
    html! {
        @if let Some(problem) = problem {
            div.complaint role="alert" {
                p { strong { (sentence(&problem.detail)) } }
                @if let Some(hint) = &problem.hint { p { (sentence(hint)) } }
            }
        }
    }
}

/// Something to copy, with a button where there is JavaScript.
pub fn copyable(label: &str, content: &str) -> Markup {
    html! {
        div.copyable {
            code tabindex="0" role="textbox" aria-readonly="true" aria-label=(label) { (content) }
            button.small type="button" data-copy hidden { (text::COPY) }
        }
    }
}

/// Whether a device is there now. One whose key is over may still be connected, and reaches nobody.
pub fn presence(seen: &Seen, now: Timestamp) -> Markup {
    match seen.online {
        _ if seen.node.is_expired(now) => html! { span.state.off { (text::device::EXPIRED) } },
        true => html! { span.state.on { (text::ONLINE) } },
        false => html! { span.state.off { (text::OFFLINE) } },
    }
}

/// An operating system, as people write it.
pub fn system(os: &str) -> &str {
    match os {
        "" => text::device::UNKNOWN_SYSTEM,
        "linux" => "Linux",
        "macOS" | "darwin" => "macOS",
        "windows" => "Windows",
        "android" => "Android",
        "iOS" | "ios" => "iOS",
        other => other,
    }
}

/// A short word in a frame.
pub fn badge(word: &str) -> Markup {
    html! { span.badge { (word) } }
}

/// A place where nothing is yet: what it is for, and what to do first.
pub fn empty(title: &str, words: &str, action: &Markup) -> Markup {
    html! {
        div.empty {
            (PreEscaped(MARK))
            h2 { (title) }
            p { (words) }
            (action)
        }
    }
}

/// One button that asks once more before it does harm: the question unfolds, the button within it acts.
pub fn danger(summary: &str, question: &str, action: &str, form: &FormToken, yes: &str) -> Markup {
    html! {
        details.danger {
            summary { (summary) }
            form method="post" action=(action) {
                (form)
                p { (question) }
                button.danger type="submit" { (yes) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn times_are_told_as_people_tell_them() {
        let now = Timestamp::from_millis(1_763_865_840_000);
        let ago = |seconds: i64| relative(Timestamp::from_millis(now.as_millis() - seconds * 1000), now);
        assert_eq!(
            [ago(3), ago(60), ago(7200), ago(86_400 * 3)].join(", "),
            "just now, 1 minute ago, 2 hours ago, 3 days ago"
        );
        assert_eq!(relative(now.plus(Duration::from_secs(90)), now), "in 2 minutes");
        assert_eq!(relative(now.plus(Duration::from_secs(8 * 3600 - 1)), now), "in 8 hours");
        assert_eq!(exact(now), "2025-11-23 02:44 UTC");
    }

    #[test]
    fn messages_become_sentences() {
        let said = |message| sentence(message).into_string();
        assert_eq!(said("no node pi here"), "No node pi here.");
        assert_eq!(said("Really?"), "Really?");
        assert_eq!(said("pi-2 would do"), "pi-2 would do.");
        assert_eq!(said("run `wonder <x>`"), "Run <code>wonder &lt;x&gt;</code>.");
    }
}
