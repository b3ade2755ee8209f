//! A browser made by hand: it keeps cookies, follows no redirect by itself, and sends the headers that a story
//! wants. For what a real browser would not do, and for what need not be seen.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// One browser's cookies, and the page that it shows.
pub struct Browser {
    address: SocketAddr,
    pub cookies: BTreeMap<String, String>,
    pub headers: Vec<(String, String)>,
    pub page: Page,
}

/// What came back.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Page {
    /// A header's values, in order.
    pub fn headers(&self, name: &str) -> Vec<&str> {
        let pairs = self.head.lines().filter_map(|line| line.split_once(": "));
        pairs.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers(name).first().copied().unwrap_or_default()
    }

    /// Where it leads on to.
    pub fn location(&self) -> &str {
        self.header("location")
    }

    pub fn says(&self, words: &str) -> bool {
        self.body.contains(words)
    }

    /// The first thing between `before` and `after`.
    pub fn between(&self, before: &str, after: &str) -> String {
        let start = self.body.split_once(before).map(|(_, rest)| rest);
        let found = start.and_then(|rest| rest.split_once(after)).map(|(found, _)| found.to_owned());
        found.unwrap_or_else(|| panic!("no {before}…{after} in {}", self.body))
    }

    /// The token of its forms.
    pub fn csrf(&self) -> String {
        self.between("name=\"csrf\" value=\"", "\"")
    }
}

impl Browser {
    pub fn new(address: SocketAddr) -> Browser {
        Browser { address, cookies: BTreeMap::new(), headers: Vec::new(), page: Page::default() }
    }

    /// Looks at a page.
    pub async fn get(&mut self, path: &str) -> &Page {
        self.send("GET", path, "").await
    }

    /// Looks at a page, and at where it leads on to.
    pub async fn follow(&mut self, path: &str) -> &Page {
        let mut path = path.to_owned();
        for _ in 0..5 {
            self.get(&path).await;
            if !(300..400).contains(&self.page.status) {
                return &self.page;
            }
            self.page.location().clone_into(&mut path);
        }
        panic!("{path} leads on and on")
    }

    /// Sends the form of the page that is shown, with these fields.
    pub async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> &Page {
        let csrf = self.page.csrf();
        self.post(path, &[&[("csrf", csrf.as_str())], fields].concat()).await
    }

    /// Sends these fields and nothing else.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> &Page {
        let pairs: Vec<String> =
            fields.iter().map(|(key, value)| format!("{key}={}", encode(value))).collect();
        self.send("POST", path, &pairs.join("&")).await
    }

    async fn send(&mut self, method: &str, path: &str, body: &str) -> &Page {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        head += "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n";
        let cookies: Vec<String> = self.cookies.iter().map(|(key, value)| format!("{key}={value}")).collect();
        if !cookies.is_empty() {
            head += &format!("Cookie: {}\r\n", cookies.join("; "));
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        if method == "POST" {
            head += &format!(
                "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
                body.len()
            );
        }
        self.page = exchange(self.address, format!("{head}\r\n{body}").as_bytes()).await;
        self.keep_cookies();
        &self.page
    }

    fn keep_cookies(&mut self) {
        for cookie in self.page.headers("set-cookie") {
            let (pair, attributes) = cookie.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            match attributes.contains("Max-Age=0") {
                true => drop(self.cookies.remove(name)),
                false => drop(self.cookies.insert(name.to_owned(), value.to_owned())),
            }
        }
    }

    /// Logs in, and shows where that leads to.
    pub async fn log_in(&mut self, email: &str, password: &str) -> &Page {
        self.get("/login").await;
        let begun = self.submit("/login", &[("email", email), ("password", password)]).await;
        assert_eq!((begun.status, begun.location()), (303, "/"), "{begun:?}");
        self.follow("/").await
    }
}

async fn exchange(address: SocketAddr, request: &[u8]) -> Page {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A server that has refused a body may close before it is all sent.
    let _ = stream.write_all(request).await;
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut bytes));
    let _ = read.await.expect("an answer in time");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
    Page { status, head: head.to_owned(), body: body.to_owned() }
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => char::from(b).to_string(),
            b => format!("%{b:02X}"),
        })
        .collect()
}
