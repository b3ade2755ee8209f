//! What stories of the authorization server need: a browser without a screen, which keeps cookies and sends
//! forms, and an app's own calls.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use url::Url;
use url::form_urlencoded::{Serializer, parse};

/// RFC 7636 appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// An answer over HTTP.
#[derive(Debug)]
pub struct Page {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub text: String,
}

impl Page {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// Where it leads; a panic if it leads nowhere.
    pub fn location(&self) -> &str {
        match self.header("location") {
            "" => panic!("no redirect: {self:?}"),
            location => location,
        }
    }

    /// A parameter of the query of where it leads.
    pub fn answer(&self, name: &str) -> Option<String> {
        parameter(self.location(), name)
    }

    /// Status and `error`, of an answer of an endpoint for clients.
    pub fn refusal(&self) -> (u16, String) {
        (self.status, self.json()["error"].as_str().unwrap_or_default().to_owned())
    }

    /// The value of a hidden field of its form.
    pub fn hidden(&self, name: &str) -> String {
        let before = format!("name=\"{name}\" value=\"");
        let found = self.text.split(&before).nth(1).and_then(|rest| rest.split('"').next());
        found.unwrap_or_else(|| panic!("no hidden {name}: {self:?}")).replace("&amp;", "&")
    }
}

/// A parameter of the query of a URL.
pub fn parameter(url: &str, name: &str) -> Option<String> {
    let url = Url::parse(url).unwrap();
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// Writes a form or a query.
pub fn encoded(fields: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// Reads a query back.
pub fn decoded(query: &str) -> Vec<(String, String)> {
    parse(query.as_bytes()).into_owned().collect()
}

/// One request, on a connection of its own.
pub fn send(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Page {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
    );
    // A server that answers before it has read all, and closes: what it said counts.
    let _ = stream.write_all(format!("{head}{body}").as_bytes());
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    read(&String::from_utf8(bytes).unwrap())
}

fn read(answer: &str) -> Page {
    let (head, text) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers: Vec<_> = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    let chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let text = if chunked { unchunked(text) } else { text.to_owned() };
    Page { status: status.unwrap_or(0), headers, text }
}

fn unchunked(mut text: &str) -> String {
    let mut whole = String::new();
    while let Some((length, rest)) = text.split_once("\r\n") {
        let length = usize::from_str_radix(length.trim(), 16).unwrap_or(0);
        if length == 0 {
            break;
        }
        whole.push_str(&rest[..length]);
        text = rest[length..].trim_start_matches("\r\n");
    }
    whole
}

/// A browser without a screen. Cookies are kept by host, as browsers do; everybody is at 127.0.0.1 here, so each
/// port has its own.
#[derive(Default)]
pub struct Browser {
    cookies: BTreeMap<(SocketAddr, String), String>,
}

impl Browser {
    pub fn get(&mut self, url: &str) -> Page {
        self.request("GET", url, None)
    }

    pub fn post(&mut self, url: &str, fields: &[(&str, &str)]) -> Page {
        self.request("POST", url, Some(encoded(fields)))
    }

    fn request(&mut self, method: &str, url: &str, form: Option<String>) -> Page {
        let url = Url::parse(url).unwrap();
        let address = url.socket_addrs(|| None).unwrap()[0];
        let path = url.query().map_or(url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let cookies = self.cookies.iter().filter(|((at, _), _)| *at == address);
        let cookies: Vec<_> = cookies.map(|((_, name), value)| format!("{name}={value}")).collect();
        let (cookies, origin) = (cookies.join("; "), format!("http://{address}"));
        let mut headers = vec![("Accept", "text/html"), ("Cookie", cookies.as_str())];
        if form.is_some() {
            headers.push(("Content-Type", "application/x-www-form-urlencoded"));
            headers.push(("Origin", &origin));
        }
        let page = send(address, method, &path, &headers, &form.unwrap_or_default());
        for (_, cookie) in page.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert((address, name.to_owned()), value.to_owned());
        }
        page
    }

    /// The values of all cookies.
    pub fn cookies(&self) -> Vec<String> {
        self.cookies.values().cloned().collect()
    }

    /// Follows redirects until one leaves `site`, or to the page at their end.
    pub fn follow(&mut self, site: &str, url: &str) -> Page {
        let mut at = Url::parse(url).unwrap();
        for _ in 0..10 {
            let page = self.get(at.as_str());
            let Some(next) = Some(page.header("location")).filter(|next| !next.is_empty()) else {
                return page;
            };
            let next = at.join(next).unwrap();
            if !next.as_str().starts_with(site) {
                return page;
            }
            at = next;
        }
        panic!("{url} leads round in circles");
    }

    /// Logs in at the coordinator; a panic if that fails.
    pub fn log_in(&mut self, site: &str, email: &str, password: &str) {
        let form = self.get(&format!("{site}/login"));
        let fields = [("csrf", &*form.hidden("csrf")), ("email", email), ("password", password)];
        let page = self.post(&format!("{site}/login"), &fields);
        assert!(page.status == 303 || page.status == 302, "{page:?}");
    }

    /// Opens an app's request and allows what is offered of `scopes` (none: all of it), in the organization that
    /// stands first. Gives the redirect to the app.
    pub fn allow(&mut self, site: &str, url: &str, scopes: Option<&[&str]>) -> Page {
        let page = self.follow(site, url);
        assert_eq!(page.status, 200, "{page:?}");
        self.decide(site, "/oauth/authorize", &page, scopes)
    }

    /// Presses the button of the page that asks whether to log out.
    pub fn confirm_log_out(&mut self, site: &str, page: &Page) -> Page {
        let (csrf, request) = (page.hidden("csrf"), page.hidden("request"));
        let url = format!("{site}/oauth/end_session/confirm");
        self.post(&url, &[("csrf", &csrf), ("request", &request)])
    }

    /// Sends the form of a page that asks; allows what is offered of `scopes`.
    pub fn decide(&mut self, site: &str, path: &str, page: &Page, scopes: Option<&[&str]>) -> Page {
        let offered = values(page, "scope");
        let org = values(page, "org").into_iter().next().unwrap_or_default();
        let hidden = if path == "/device" { "user_code" } else { "request" };
        let (csrf, kept) = (page.hidden("csrf"), page.hidden(hidden));
        let mut fields = vec![("csrf", &*csrf), (hidden, &*kept), ("org", &*org), ("decision", "approve")];
        let wanted = |word: &&String| scopes.is_none_or(|scopes| scopes.contains(&word.as_str()));
        fields.extend(offered.iter().filter(wanted).map(|word| ("scope", word.as_str())));
        self.post(&format!("{site}{path}"), &fields)
    }
}

/// The values of the choices of this name on a page.
pub fn values(page: &Page, name: &str) -> Vec<String> {
    let before = format!("name=\"{name}\" value=\"");
    let found = page.text.split(&before).skip(1).filter_map(|rest| rest.split('"').next());
    found.map(str::to_owned).collect()
}

/// An app that was registered.
#[derive(Clone, Debug)]
pub struct Client {
    pub address: SocketAddr,
    pub id: String,
    pub secret: Option<String>,
    pub redirect: String,
}

impl Client {
    /// Registers one as `bearer`, in their personal organization.
    pub fn register(address: SocketAddr, bearer: &str, redirect: &str, public: bool) -> Client {
        Client::register_with(address, bearer, redirect, public, &[])
    }

    /// The same, with addresses for after a log-out.
    pub fn register_with(
        address: SocketAddr,
        bearer: &str,
        redirect: &str,
        public: bool,
        after: &[&str],
    ) -> Client {
        let method = if public { "none" } else { "client_secret_basic" };
        let asked = json!({
            "client_name": "Platform", "redirect_uris": [redirect], "post_logout_redirect_uris": after,
            "token_endpoint_auth_method": method,
        });
        let headers = [("Authorization", &*format!("Bearer {bearer}")), ("Content-Type", "application/json")];
        let page = send(address, "POST", "/oauth/clients", &headers, &asked.to_string());
        assert_eq!(page.status, 201, "{page:?}");
        let made = page.json();
        let secret = made["client_secret"].as_str().map(str::to_owned);
        let id = made["client_id"].as_str().unwrap().to_owned();
        Client { address, id, secret, redirect: redirect.to_owned() }
    }

    pub fn site(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The request to open in a browser: with PKCE, and `more` parameters in the place of the usual ones.
    pub fn request(&self, scope: &str, more: &[(&str, &str)]) -> String {
        let usual = [
            ("response_type", "code"),
            ("client_id", self.id.as_str()),
            ("redirect_uri", self.redirect.as_str()),
            ("scope", scope),
            ("state", "s&t=1"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let usual = usual.iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
        let all: Vec<_> = usual.chain(more).copied().collect();
        format!("{}/oauth/authorize?{}", self.site(), encoded(&all))
    }

    /// A call to an endpoint, with this client's own proof of who it is.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let basic = self.secret.as_ref().map(|secret| basic(&self.id, secret));
        let id = [("client_id", self.id.as_str())];
        let fields: Vec<_> = fields.iter().chain(id.iter().filter(|_| basic.is_none())).copied().collect();
        let mut headers = vec![("Content-Type", "application/x-www-form-urlencoded")];
        headers.extend(basic.as_ref().map(|basic| ("Authorization", basic.as_str())));
        send(self.address, "POST", path, &headers, &encoded(&fields))
    }

    pub fn token(&self, fields: &[(&str, &str)]) -> Page {
        self.post("/oauth/token", fields)
    }

    /// Redeems a code.
    pub fn redeem(&self, code: &str) -> Page {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect),
            ("code_verifier", VERIFIER),
        ])
    }

    pub fn refresh(&self, token: &str) -> Page {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)])
    }

    /// The whole way to tokens: the browser allows all of `scope`.
    pub fn tokens(&self, browser: &mut Browser, scope: &str) -> Value {
        let back = browser.allow(&self.site(), &self.request(scope, &[]), None);
        let page = self.redeem(&back.answer("code").unwrap_or_else(|| panic!("no code: {back:?}")));
        assert_eq!(page.status, 200, "{page:?}");
        page.json()
    }
}

pub fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

/// The claims of a token, whose signature must be by a key that the coordinator publishes.
pub fn verified(address: SocketAddr, token: &str) -> Value {
    let (input, signature) = token.rsplit_once('.').unwrap();
    let (head, claims) = input.split_once('.').unwrap();
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let head: Value = serde_json::from_slice(&decode(head)).unwrap();
    assert_eq!(head["alg"], "ES256");
    let set = send(address, "GET", "/oauth/jwks", &[], "").json();
    let key = set["keys"].as_array().unwrap().iter().find(|key| key["kid"] == head["kid"]).unwrap().clone();
    let coordinate = |name: &str| decode(key[name].as_str().unwrap());
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    let public = ring::signature::UnparsedPublicKey::new(&ring::signature::ECDSA_P256_SHA256_FIXED, point);
    public.verify(input.as_bytes(), &decode(signature)).unwrap();
    serde_json::from_slice(&decode(claims)).unwrap()
}
