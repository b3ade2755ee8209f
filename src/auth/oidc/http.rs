//! HTTP to a provider: one agent, no redirect followed, a deadline and a size limit to every answer. Blocks;
//! [`super::directory`] runs it on threads of its own, few at a time.

use ipnet::IpNet;
use openidconnect::{HttpRequest, HttpResponse, SyncHttpClient};
use std::time::Duration;
use ureq::config::ConfigBuilder;
use ureq::http::{Method, Response};
use ureq::typestate::AgentScope;
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Body};

use super::gate::Gate;
use crate::runtime::trust;

/// How long one call may take, all in all.
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest answer, in bytes.
const LARGEST: u64 = 512 * 1024;

#[derive(Clone, Debug)]
pub struct Http {
    agent: Agent,
    /// None: it lets everything through.
    gate: Option<Gate>,
}

impl Http {
    /// For providers that may be anywhere.
    pub fn anywhere() -> Self {
        Http { agent: config().build().new_agent(), gate: None }
    }

    /// For those that may be on the Internet, and in `allowed`. Not by way of a proxy: that would look names up itself.
    pub fn to_the_internet(allowed: &[IpNet]) -> Self {
        let config = config().proxy(None).build();
        let gate = Gate::new(allowed);
        let agent = Agent::with_parts(config, DefaultConnector::default(), gate.clone());
        Http { agent, gate: Some(gate) }
    }

    /// Whether the name in a URL leads somewhere that may be called; nothing is called.
    pub fn may_call(&self, url: &str) -> bool {
        match (&self.gate, url.parse()) {
            (None, _) => true,
            (Some(gate), Ok(url)) => gate.is_open(&url, self.agent.config()),
            (Some(_), Err(_)) => false,
        }
    }

    /// What an address answers whoever shows `bearer`: the status and the body.
    pub fn get(&self, url: &str, bearer: &str) -> Result<(u16, Vec<u8>), ureq::Error> {
        let answer = self.agent.get(url).header("authorization", format!("Bearer {bearer}")).call()?;
        let answer = whole(answer)?;
        Ok((answer.status().as_u16(), answer.into_body()))
    }
}

/// Trusts what the system trusts, or `SSL_CERT_FILE`.
fn config() -> ConfigBuilder<AgentScope> {
    Agent::config_builder()
        .tls_config(trust::system())
        .timeout_global(Some(PATIENCE))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .user_agent("wonder")
}

impl SyncHttpClient for Http {
    type Error = ureq::Error;

    fn call(&self, request: HttpRequest) -> Result<HttpResponse, ureq::Error> {
        let (parts, body) = request.into_parts();
        let answer = match parts.method {
            Method::GET => self.agent.run(ureq::http::Request::from_parts(parts, ()))?,
            _ => self.agent.run(ureq::http::Request::from_parts(parts, body))?,
        };
        match answer.status() {
            // A provider that breaks is away, whatever it says.
            status if status.is_server_error() => Err(ureq::Error::StatusCode(status.as_u16())),
            _ => whole(answer),
        }
    }
}

fn whole(answer: Response<Body>) -> Result<HttpResponse, ureq::Error> {
    let (parts, mut body) = answer.into_parts();
    let bytes = body.with_config().limit(LARGEST).read_to_vec()?;
    Ok(Response::from_parts(parts, bytes))
}
