//! The one table of permissions, held against everything that can be called. Every route of the OpenAPI document
//! says what it needs (`x-permission`, read off its handler's types), and is called as everybody there is; so
//! is every command that acts on an organization. A route or a command that nobody thought of here fails.
//!
//! The web pages have a table of their own, in permissions_pages.rs.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on panics")]

use crate::common;

use common::api::{Answer, Coordinator};
use common::cast::{Cast, EVERYBODY, Outcome, Who, by_the_table, outcome};
use common::routes::routes;
use common::wonder::Wonder;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use wonder::core::role::{MEANINGS, PERMISSIONS, Role, Scope};

/// A route of the document.
struct Route {
    method: String,
    path: String,
    needs: String,
    has_body: bool,
}

/// Routes where no API key acts for a person, though it may do what they need.
const IN_PERSON: &[(&str, &str)] = &[("DELETE", "/api/v1/organizations/{org}/membership")];

impl Route {
    fn all(document: &Value) -> Vec<Route> {
        let paths = document["paths"].as_object().unwrap();
        let mut undeclared = Vec::new();
        let mut routes = Vec::new();
        for (path, item) in paths {
            for (method, operation) in item.as_object().unwrap() {
                let (method, path) = (method.to_uppercase(), path.clone());
                let Some(needs) = operation["x-permission"].as_str().map(str::to_owned) else {
                    undeclared.push(format!("{method} {path}"));
                    continue;
                };
                let anonymous = operation.get("security").is_some();
                assert_eq!(anonymous, needs == "nothing", "{method} {path}: what it needs, and `security`");
                let has_body = operation.get("requestBody").is_some();
                routes.push(Route { method, path, needs, has_body });
            }
        }
        assert!(
            undeclared.is_empty(),
            "these declare no permission (use super::declared::routes): {undeclared:#?}"
        );
        routes
    }

    /// The path within an organization, with names of nothing for what else stands in it.
    fn filled(&self, org: &str) -> String {
        let parts = self.path.split('/').map(|part| match part {
            "{org}" => org,
            part if part.starts_with('{') => "nothing",
            part => part,
        });
        parts.collect::<Vec<_>>().join("/")
    }

    fn expected(&self, who: Who) -> Outcome {
        let nobody_is_in = who == Who::Nobody;
        match self.needs.as_str() {
            "nothing" => Outcome::Allowed,
            "worker_key" => Outcome::NotLoggedIn,
            "caller" if nobody_is_in => Outcome::NotLoggedIn,
            "caller" => Outcome::Allowed,
            // The first account administers the coordinator.
            "administrator" => match who {
                Who::Owner => Outcome::Allowed,
                Who::Admin | Who::Member | Who::Outsider => Outcome::RoleTooLow,
                Who::Key | Who::ForeignKey => Outcome::PeopleOnly,
                Who::Nobody => Outcome::NotLoggedIn,
            },
            // Where no organization is named, one's own is meant.
            _ if !self.path.contains("{org}") && nobody_is_in => Outcome::NotLoggedIn,
            _ if !self.path.contains("{org}") => Outcome::Allowed,
            _ if who == Who::Key && IN_PERSON.contains(&(&self.method, &self.path)) => Outcome::PeopleOnly,
            name => by_the_table(name, who),
        }
    }

    /// Calls it with a body that no route takes, so that who may is told apart and nothing is changed.
    async fn call(&self, c: &Coordinator, bearer: &str, org: &str) -> Answer {
        let body = self.has_body.then(|| json!({ "a field that nobody knows": true }));
        c.call(&self.method, &self.filled(org), Some(bearer), body).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_allows_what_the_table_says() {
    let cast = Cast::gather().await;
    let document = cast.c.call("GET", "/api/v1/openapi.json", None, None).await.body;
    let routes = Route::all(&document);
    let mut wrong = Vec::new();
    for route in &routes {
        let stage = cast.stage().await;
        for who in EVERYBODY {
            // A log-in that ends itself is made for that.
            if (route.method.as_str(), route.path.as_str()) == ("DELETE", "/api/v1/session")
                && who != Who::Nobody
            {
                continue;
            }
            let answer = route.call(&cast.c, cast.bearer(who, &stage), &stage.org).await;
            let is_person = !matches!(who, Who::Key | Who::ForeignKey);
            let mut got = outcome(answer.body["code"].as_str().unwrap_or_default());
            // What is about a caller's own things may be for people alone.
            if got == Outcome::PeopleOnly && route.needs == "caller" && !is_person {
                got = Outcome::Allowed;
            }
            if got != route.expected(who) || answer.status >= 500 {
                wrong.push(format!("{} {} as {who:?}: {}", route.method, route.path, answer.body));
            }
        }
        cast.strike(stage).await;
    }
    assert!(wrong.is_empty(), "{} answers are not those of the table:\n{}", wrong.len(), wrong.join("\n"));
    let needed: BTreeSet<_> = routes.iter().map(|route| route.needs.as_str()).collect();
    let idle: Vec<_> =
        PERMISSIONS.iter().map(|(name, ..)| *name).filter(|name| !needed.contains(name)).collect();
    assert_eq!(idle, NOT_YET_CALLED, "permissions that no route needs");
}

/// A credential with one scope does what takes that scope, and nothing else: be it a key, or an app's token.
#[tokio::test(flavor = "multi_thread")]
async fn a_scope_opens_its_own_routes_alone() {
    let cast = Cast::gather().await;
    let document = cast.c.call("GET", "/api/v1/openapi.json", None, None).await.body;
    let stage = cast.stage().await;
    let mut wrong = Vec::new();
    for held in Scope::ALL {
        let key = cast.key(&stage, *held).await;
        let app = cast.app(&stage, *held).await;
        for route in Route::all(&document) {
            let Some((.., scope)) = PERMISSIONS.iter().find(|(name, ..)| *name == route.needs) else {
                continue;
            };
            let in_person = IN_PERSON.contains(&(&route.method, &route.path));
            let wanted = match scope {
                None => "people_only",
                Some(_) if in_person => "people_only",
                Some(scope) if scope == held => "",
                Some(_) => "scope_missing",
            };
            for (what, bearer) in [("key", &key), ("app", &app)] {
                let answer = route.call(&cast.c, bearer, &stage.org).await;
                let code = answer.body["code"].as_str().unwrap_or_default();
                let got = if ["people_only", "scope_missing"].contains(&code) { code } else { "" };
                let is_known = answer.status != 401 && answer.status < 500;
                if !(is_known && (got == wanted || in_person && got == "scope_missing")) {
                    wrong.push(format!(
                        "{} {} by {what} with {held}: {}",
                        route.method, route.path, answer.body
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} answers are not those of the table:\n{}", wrong.len(), wrong.join("\n"));
}

/// Apps in the words of OAuth, beside the document: who may, and who learns of nothing.
#[tokio::test(flavor = "multi_thread")]
async fn clients_are_registered_by_the_table_too() {
    let cast = Cast::gather().await;
    let stage = cast.stage().await;
    let mine = format!("organization={}", stage.org);
    for who in EVERYBODY {
        let bearer = Some(cast.bearer(who, &stage));
        let asked = json!({ "client_name": "", "organization": stage.org });
        let calls = [
            ("view_apps", cast.c.call("GET", &format!("/oauth/clients?{mine}"), bearer, None).await),
            ("manage_apps", cast.c.call("POST", "/oauth/clients", bearer, Some(asked)).await),
            (
                "manage_apps",
                cast.c.call("DELETE", &format!("/oauth/clients/nothing?{mine}"), bearer, None).await,
            ),
        ];
        for (name, answer) in calls {
            let got = outcome(answer.body["code"].as_str().unwrap_or_default());
            assert_eq!(got, by_the_table(name, who), "{who:?}: {answer:?}");
        }
    }
}

/// Routes beside the document and the pages, with what stands before them.
const BESIDE: &[(&str, &[&str])] = &[
    (
        "the table, in this test",
        &["GET /oauth/clients", "POST /oauth/clients", "DELETE /oauth/clients/{client}"],
    ),
    (
        "a client's own proof: oauth_grants.rs",
        &[
            "POST /oauth/token",
            "POST /oauth/device_authorization",
            "POST /oauth/revoke",
            "POST /oauth/introspect",
        ],
    ),
    ("an access token: oauth.rs", &["GET /oauth/userinfo", "POST /oauth/userinfo"]),
    (
        "a logout token that a provider signed: oidc_trial.rs",
        &["POST /auth/oidc/{provider}/backchannel-logout"],
    ),
    ("a device's own key: mesh_*.rs, relays.rs", &["GET /ts2021", "POST /ts2021", "GET /derp", "POST /derp"]),
    ("an address of its own, beside the port that is open", &["GET /metrics"]),
    (
        "nothing: it shows what everybody may know, or leads on",
        &[
            "GET /.well-known/oauth-authorization-server",
            "GET /.well-known/openid-configuration",
            "GET /oauth/jwks",
            "POST /oauth/end_session",
            "GET /key",
            "ANY /derp/probe",
            "ANY /derp/latency-check",
            "GET /generate_204",
        ],
    ),
    ("a relay's question about one key, of whoever knows the key: relays.rs", &["POST /verify"]),
];

#[test]
fn every_route_beside_the_document_is_known_here() {
    let there = routes(|file| !file.starts_with("pages") && !file.starts_with("stories"));
    let known: BTreeSet<_> =
        BESIDE.iter().flat_map(|(_, routes)| *routes).map(|route| route.to_string()).collect();
    assert_eq!(there, known, "left: the source of the server; right: BESIDE");
}

/// An organization that is not the caller's answers as one that is not there.
#[tokio::test(flavor = "multi_thread")]
async fn an_outsider_cannot_tell_what_is_there() {
    let cast = Cast::gather().await;
    let document = cast.c.call("GET", "/api/v1/openapi.json", None, None).await.body;
    let stage = cast.stage().await;
    let nowhere = "018f3c5e-7b1a-7c3d-9e2f-0123456789ab";
    for route in Route::all(&document).iter().filter(|route| route.path.contains("{org}")) {
        for bearer in [Who::Outsider, Who::ForeignKey].map(|who| cast.bearer(who, &stage)) {
            let there = route.call(&cast.c, bearer, &stage.org).await;
            let not_there = route.call(&cast.c, bearer, nowhere).await;
            let told = |answer: &Answer, org: &str| {
                let mut body = answer.body.clone();
                body["request_id"].take();
                (answer.status, body.to_string().replace(org, "ORG"))
            };
            assert_eq!(
                told(&there, &stage.org),
                told(&not_there, nowhere),
                "{} {}",
                route.method,
                route.path
            );
        }
    }
}

/// Permissions that no route needs yet.
const NOT_YET_CALLED: &[&str] = &[];

/// Commands that act on an organization, by what they need; `ORG` stands for its id. The last ones first: who
/// has left is an outsider from then on.
const COMMANDS: &[(&str, &[&str])] = &[
    ("view_organization", &["org", "show"]),
    ("view_members", &["org", "members"]),
    ("view_nodes", &["node", "list"]),
    ("view_nodes", &["node", "show", "nothing"]),
    ("manage_nodes", &["node", "rename", "nothing", "something"]),
    ("manage_nodes", &["node", "expire", "nothing", "--yes"]),
    ("manage_nodes", &["node", "remove", "nothing", "--yes"]),
    ("manage_nodes", &["node", "approve", "ABCD-EFGH-JKLM"]),
    ("manage_nodes", &["node", "approve-routes", "nothing", "--none"]),
    ("view_join_tokens", &["token", "list"]),
    ("create_join_tokens", &["token", "create"]),
    ("create_join_tokens", &["token", "revoke", "nothing", "--yes"]),
    ("view_api_keys", &["key", "list"]),
    ("manage_api_keys", &["key", "create", "--name", "k"]),
    ("manage_api_keys", &["key", "rotate", "nothing"]),
    ("manage_api_keys", &["key", "revoke", "nothing", "--yes"]),
    ("view_api_keys", &["key", "policy"]),
    ("view_audit", &["audit", "--since", "1h"]),
    ("view_apps", &["app", "list"]),
    ("view_apps", &["app", "show", "nothing"]),
    ("manage_apps", &["app", "register", "platform", "--public"]),
    ("manage_apps", &["app", "revoke", "nothing", "--yes"]),
    ("view_apps", &["grant", "list", "--all"]),
    ("manage_apps", &["grant", "revoke", "nothing", "--all", "--yes"]),
    ("invite_members", &["org", "invite", "new@example.org"]),
    ("invite_members", &["org", "invitations"]),
    ("invite_members", &["org", "revoke", "nobody@example.org", "--yes"]),
    ("remove_members", &["org", "remove", "nobody@example.org", "--yes"]),
    ("manage_organization", &["org", "rename", "ORG", "acme"]),
    ("manage_admins", &["org", "role", "nobody@example.org", "admin"]),
    ("transfer_ownership", &["org", "transfer", "nobody@example.org", "--yes"]),
    ("delete_organization", &["org", "delete", "ORG", "--confirm", "another name"]),
    ("view_organization", &["org", "leave", "--yes"]),
];

/// Commands that act on no organization.
const ELSEWHERE: &[&str] = &[
    "audit-verify",
    "completions",
    "deployer-join",
    "identity-list",
    "identity-remove",
    "key-ring",
    "key-ring-list",
    "key-ring-reset",
    "key-ring-rotate",
    "login",
    "logout",
    "mail-forget-password",
    "mail-set-password",
    "man",
    "org-accept",
    "org-create",
    "org-list",
    "org-use",
    "provider-add",
    "provider-edit",
    "provider-list",
    "provider-remove",
    "serve",
    "user-create",
    "user-disable",
    "user-enable",
    "user-list",
    "user-reset-password",
    "whoami",
    "worker-join",
    "worker-leave",
    "worker-status",
];

/// The exit code of the contract, and the code of the error.
fn exit(outcome: Outcome) -> Option<(i32, &'static str)> {
    match outcome {
        Outcome::Allowed => None,
        Outcome::RoleTooLow => Some((4, "role_too_low")),
        Outcome::PeopleOnly => Some((4, "people_only")),
        Outcome::Unknown => Some((5, "organization_not_found")),
        Outcome::NotLoggedIn => Some((3, "not_logged_in")),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_allows_what_the_table_says() {
    let cast = Cast::gather().await;
    let stage = cast.stage().await;
    let url = format!("http://{}", cast.c.address);
    let mut wrong = Vec::new();
    for who in [Who::Owner, Who::Admin, Who::Member, Who::Outsider, Who::Nobody] {
        let wonder = Wonder::new().env("WONDER_COORDINATOR", &url).env("WONDER_ORG", &stage.org);
        let wonder = wonder.env("WONDER_TOKEN", cast.bearer(who, &stage));
        for (name, words) in COMMANDS {
            let words: Vec<_> =
                words.iter().map(|word| if *word == "ORG" { &stage.org } else { *word }).collect();
            let run = tokio::task::block_in_place(|| wonder.run(&[words.as_slice(), &["--json"]].concat()));
            let error: Value = serde_json::from_str(run.stderr.trim()).unwrap_or_default();
            let code = error["error"]["code"].as_str().unwrap_or_default();
            let right = match exit(by_the_table(name, who)) {
                Some(wanted) => wanted == (run.code, code),
                None => outcome(code) == Outcome::Allowed && run.code != 70,
            };
            if !right {
                wrong.push(format!("{words:?} as {who:?}: {} {}", run.code, run.stderr));
            }
        }
    }
    assert!(wrong.is_empty(), "{} commands are not as the table says:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_command_is_in_the_tables_of_this_test() {
    let pages = fs::read_dir(root().join("man")).unwrap();
    let names = pages.map(|page| page.unwrap().file_name().into_string().unwrap());
    let there: BTreeSet<String> = names
        .filter_map(|name| Some(name.strip_prefix("wonder-")?.strip_suffix(".1")?.to_owned()))
        .filter(|name| name.contains('-') || name == "audit" || ELSEWHERE.contains(&name.as_str()))
        .collect();
    let named = |words: &&[&str]| -> Vec<String> {
        words[..2].iter().filter(|word| !word.starts_with('-')).map(|&word| word.to_owned()).collect()
    };
    let of_organizations = COMMANDS.iter().map(|(_, words)| named(words).join("-"));
    let known: BTreeSet<String> =
        of_organizations.chain(ELSEWHERE.iter().map(|&name| name.to_owned())).collect();
    assert_eq!(there, known, "left: the manual's pages; right: COMMANDS and ELSEWHERE");
    let called: BTreeSet<_> = COMMANDS.iter().map(|(name, _)| *name).collect();
    let idle: Vec<_> =
        PERMISSIONS.iter().map(|(name, ..)| *name).filter(|name| !called.contains(name)).collect();
    assert_eq!(idle, NOT_YET_CALLED, "permissions that no command needs");
}

/// The table of docs/permissions.md, between its two marks. `WONDER_WRITE_DOCS=1` writes it.
#[test]
fn the_document_shows_the_table() {
    let path = root().join("docs/permissions.md");
    let text = fs::read_to_string(&path).unwrap();
    let (begin, end) = ("<!-- table -->\n", "<!-- /table -->");
    let (head, rest) = text.split_once(begin).expect("where the table begins");
    let (table, tail) = rest.split_once(end).expect("where the table ends");
    if std::env::var_os("WONDER_WRITE_DOCS").is_some() {
        fs::write(&path, format!("{head}{begin}{}{end}{tail}", as_markdown())).unwrap();
        return;
    }
    let again = "run `WONDER_WRITE_DOCS=1 cargo test --test stories permissions::the_document`";
    assert!(table == as_markdown(), "docs/permissions.md is not what core/role.rs says: {again}");
}

fn as_markdown() -> String {
    let mut text =
        "| permission | | owner | admin | member | API key, app |\n|---|---|---|---|---|---|\n".to_owned();
    for ((name, least, scope), meaning) in PERMISSIONS.iter().zip(MEANINGS) {
        let mark = |role: Role| if role >= *least { "✓" } else { "" };
        let scope = scope.map_or("never".to_owned(), |scope| format!("`{scope}`"));
        let (owner, admin, member) = (mark(Role::Owner), mark(Role::Admin), mark(Role::Member));
        text += &format!("| `{name}` |{meaning} | {owner} | {admin} | {member} | {scope} |\n");
    }
    text
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
