//! HTTP to a provider: one agent, no redirect followed, a deadline and a size limit to every answer. Blocks;
//! [`super::directory`] runs it on threads of its own, few at a time.

use openidconnect::{HttpRequest, HttpResponse, SyncHttpClient};
use std::time::Duration;
use ureq::http::{Method, Response};
use ureq::{Agent, Body};

use crate::runtime::trust;

/// How long one call may take, all in all.
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest answer, in bytes.
const LARGEST: u64 = 512 * 1024;

#[derive(Clone, Debug)]
pub struct Http(Agent);

impl Http {
    /// Trusts what the system trusts, or `SSL_CERT_FILE`.
    pub fn new() -> Self {
        let config = Agent::config_builder()
            .tls_config(trust::system())
            .timeout_global(Some(PATIENCE))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent("wonder");
        Http(config.build().new_agent())
    }

    /// What an address answers whoever shows `bearer`: the status and the body.
    pub fn get(&self, url: &str, bearer: &str) -> Result<(u16, Vec<u8>), ureq::Error> {
        let answer = self.0.get(url).header("authorization", format!("Bearer {bearer}")).call()?;
        let answer = whole(answer)?;
        Ok((answer.status().as_u16(), answer.into_body()))
    }
}

impl SyncHttpClient for Http {
    type Error = ureq::Error;

    fn call(&self, request: HttpRequest) -> Result<HttpResponse, ureq::Error> {
        let (parts, body) = request.into_parts();
        let answer = match parts.method {
            Method::GET => self.0.run(ureq::http::Request::from_parts(parts, ()))?,
            _ => self.0.run(ureq::http::Request::from_parts(parts, body))?,
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
