//! What providers say of themselves: their discovery documents (OpenID Connect Discovery 1.0) and keys, fetched
//! when they are needed, kept for an hour. Keys are fetched again when a token is signed by one that is not known, which
//! whoever sends such tokens can make happen a few times a minute and no more.

use ipnet::IpNet;
use openidconnect::core::{CoreClientAuthMethod, CoreJsonWebKeySet};
use openidconnect::{DiscoveryError, IssuerUrl, ProviderMetadataWithLogout, SyncHttpClient};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

use super::http::Http;
use super::{probe, trouble};
use crate::auth::limit::Limit;
use crate::core::provider::{Issuer, Provider, ProviderName, Source};
use crate::core::{Error, Result, Timestamp};

pub type Metadata = ProviderMetadataWithLogout;

/// How long a document is good.
const LASTS: Duration = Duration::from_secs(3600);
/// How long after a failure nobody asks again.
const REST: Duration = Duration::from_secs(3);
/// Calls to providers at the same time.
const CALLS: usize = 8;
/// How long somebody waits for their turn to call.
const PATIENCE: Duration = Duration::from_secs(10);
/// Issuers whose documents are kept: more than are ever configured.
const MOST_KEPT: usize = 256;

/// What is known of all providers. Cheap to clone.
#[derive(Clone)]
pub struct Directory(Arc<Parts>);

struct Parts {
    /// To providers that the host named.
    anywhere: Http,
    /// To those that were added on a page.
    to_the_internet: Http,
    calls: Arc<Semaphore>,
    /// Who fetches holds the entry, so that others wait for that one answer.
    entries: Mutex<HashMap<Key, Arc<tokio::sync::Mutex<Entry>>>>,
    refreshes: Limit,
}

/// What was fetched for the host is not told to those who could not have fetched it.
type Key = (Issuer, Source);

#[derive(Default)]
struct Entry {
    known: Option<(Arc<Metadata>, Timestamp)>,
    failed_at: Option<Timestamp>,
}

impl Directory {
    /// `allowed`: where providers that were added on a page may be, beside the Internet.
    pub fn new(allowed: &[IpNet]) -> Self {
        Directory(Arc::new(Parts {
            anywhere: Http::anywhere(),
            to_the_internet: Http::to_the_internet(allowed),
            calls: Arc::new(Semaphore::new(CALLS)),
            entries: Mutex::default(),
            refreshes: Limit::new(3, Duration::from_secs(60)),
        }))
    }

    /// What a provider says of itself. One that was known stays known while it is away.
    pub async fn metadata(&self, provider: &Provider, now: Timestamp) -> Result<Arc<Metadata>> {
        let entry = self.entry(provider);
        let mut entry = entry.lock().await;
        if let Some((known, at)) = &entry.known
            && now.since(*at) < LASTS
        {
            return Ok(known.clone());
        }
        if entry.failed_at.is_some_and(|at| now.since(at) < REST) {
            return entry.known.clone().map(|(known, _)| known).ok_or_else(|| away(&provider.name));
        }
        let issuer = provider.issuer.clone();
        let found = self.call(provider, move |http| discover(&issuer, http)).await?;
        match found.map_err(|error| Fault::of(error).into_error(&provider.name)) {
            Ok(fresh) => Ok(entry.keep(fresh, now)),
            Err(error) => {
                entry.failed_at = Some(now);
                tracing::warn!(provider = %provider.name, code = error.code(), "a provider was not reached");
                entry.known.clone().map(|(known, _)| known).ok_or(error)
            }
        }
    }

    /// Asks a provider now, whatever is known of it. An error says what an operator has to mend.
    pub async fn probe(&self, provider: &Provider, now: Timestamp) -> Result<()> {
        let issuer = provider.issuer.clone();
        let found = self.call(provider, move |http| probe::probe(&issuer, http, now)).await??;
        self.entry(provider).lock().await.keep(found, now);
        Ok(())
    }

    /// Refuses a provider whose name leads where it may not be called. Asks it nothing: one that is not there yet passes.
    pub async fn admit(&self, provider: &Provider) -> Result<()> {
        let issuer = provider.issuer.clone();
        match self.call(provider, move |http| http.may_call(issuer.as_str())).await? {
            true => Ok(()),
            false => Err(probe::not_there(&provider.issuer)),
        }
    }

    /// What a provider says of itself, with its keys fetched again, for a token by a key that is not among them. `too_many_attempts`
    /// where that was done too often lately.
    pub async fn with_new_keys(&self, provider: &Provider, now: Timestamp) -> Result<Arc<Metadata>> {
        self.0.refreshes.take(&provider.issuer, now)?;
        let known = self.metadata(provider, now).await?;
        let url = known.jwks_uri().clone();
        let fetched = self.call(provider, move |http| CoreJsonWebKeySet::fetch(&url, http)).await?;
        let keys = fetched.map_err(|error| Fault::of(error).into_error(&provider.name))?;
        let fresh = (*known).clone().set_jwks(keys);
        let entry = self.entry(provider);
        let kept = entry.lock().await.keep(fresh, now);
        Ok(kept)
    }

    /// Calls a provider on a thread where waiting is no harm; a few at a time.
    pub async fn call<T: Send + 'static>(
        &self,
        provider: &Provider,
        work: impl FnOnce(&Http) -> T + Send + 'static,
    ) -> Result<T> {
        let turn = tokio::time::timeout(PATIENCE, self.0.calls.clone().acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(away(&provider.name)) };
        let http = match provider.source {
            Source::Host => self.0.anywhere.clone(),
            Source::Page => self.0.to_the_internet.clone(),
        };
        let work = tokio::task::spawn_blocking(move || {
            let done = work(&http);
            drop(turn);
            done
        });
        work.await.map_err(|e| Error::bug("a call to a provider ended early").source(e))
    }

    fn entry(&self, provider: &Provider) -> Arc<tokio::sync::Mutex<Entry>> {
        let (key, mut entries) = ((provider.issuer.clone(), provider.source), self.entries());
        if entries.len() >= MOST_KEPT && !entries.contains_key(&key) {
            entries.clear();
        }
        entries.entry(key).or_default().clone()
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Arc<tokio::sync::Mutex<Entry>>>> {
        self.0.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn keep(&mut self, fresh: Metadata, now: Timestamp) -> Arc<Metadata> {
        let fresh = Arc::new(fresh);
        self.known = Some((fresh.clone(), now));
        self.failed_at = None;
        fresh
    }
}

fn away(provider: &ProviderName) -> Error {
    trouble::unavailable(provider, "it did not answer a moment ago")
}

/// Why a document is not there.
enum Fault {
    Away(String),
    Broken(String),
}

impl Fault {
    fn of(error: DiscoveryError<ureq::Error>) -> Self {
        match error {
            DiscoveryError::Request(e) => Fault::Away(e.to_string()),
            DiscoveryError::Response(status, _, what) => {
                Fault::Broken(format!("it answers {status}: {what}"))
            }
            other => Fault::Broken(other.to_string()),
        }
    }

    fn into_error(self, provider: &ProviderName) -> Error {
        match self {
            Fault::Away(what) => trouble::unavailable(provider, what),
            Fault::Broken(what) => trouble::broken(provider, what),
        }
    }
}

/// The document and the keys. Where the issuer has TLS, so has everything that its document names.
pub(super) fn discover<C: SyncHttpClient<Error = ureq::Error>>(
    issuer: &Issuer,
    http: &C,
) -> Result<Metadata, DiscoveryError<ureq::Error>> {
    let url = IssuerUrl::new(issuer.as_str().to_owned()).map_err(DiscoveryError::UrlParse)?;
    let found = Metadata::discover(&url, http)?;
    let token = found.token_endpoint().map(|url| url.url());
    let userinfo = found.userinfo_endpoint().map(|url| url.url());
    let logout = found.additional_metadata().end_session_endpoint.as_ref().map(|url| url.url());
    let all =
        [Some(found.authorization_endpoint().url()), Some(found.jwks_uri().url()), token, userinfo, logout];
    let scheme = if issuer.is_https() { &["https"][..] } else { &["https", "http"] };
    let bad = all.into_iter().flatten().find(|url| !scheme.contains(&url.scheme()));
    match bad.map(ToString::to_string) {
        Some(bad) => Err(DiscoveryError::Other(format!("its document names {bad}"))),
        None => Ok(found),
    }
}

/// Whether the client secret goes into the body of a call: where the provider takes it there alone.
pub fn secret_in_body(metadata: &Metadata) -> bool {
    metadata.token_endpoint_auth_methods_supported().is_some_and(|methods| {
        methods.contains(&CoreClientAuthMethod::ClientSecretPost)
            && !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
    })
}
