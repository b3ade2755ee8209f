//! What can go wrong between this coordinator and a provider, in words for the person who wanted to log in. What
//! the provider said exactly goes to the log.

use crate::core::provider::ProviderName;
use crate::core::{Error, Kind};

type Source = Box<dyn std::error::Error + Send + Sync>;

pub fn unavailable(provider: &ProviderName, source: impl Into<Source>) -> Error {
    let message = format!("the provider {provider} cannot be reached now");
    Error::new(Kind::Unavailable, "provider_unavailable", message)
        .hint("try again in a minute, or log in another way")
        .source(source)
}

pub fn broken(provider: &ProviderName, source: impl Into<Source>) -> Error {
    let message = format!("the provider {provider} answers in a way that cannot be used");
    Error::new(Kind::Unavailable, "provider_broken", message)
        .hint("tell whoever runs this coordinator: its log says more")
        .source(source)
}

pub fn misconfigured(provider: &ProviderName, source: impl Into<Source>) -> Error {
    let message =
        format!("the provider {provider} does not know this coordinator by the client that is configured");
    Error::new(Kind::Unavailable, "provider_misconfigured", message)
        .hint("tell whoever runs this coordinator: the client id, its secret or the redirect URI is wrong")
        .source(source)
}

pub fn code_refused(provider: &ProviderName, source: impl Into<Source>) -> Error {
    let message = format!("the provider {provider} did not accept its own answer");
    Error::new(Kind::Denied, "log_in_refused", message).hint("begin again at the log-in page").source(source)
}

pub fn bad_token(provider: &ProviderName, source: impl Into<Source>) -> Error {
    let message = format!("what the provider {provider} said of you does not prove who you are");
    Error::new(Kind::Denied, "id_token_invalid", message)
        .hint("begin again at the log-in page; if it stays, tell whoever runs this coordinator")
        .source(source)
}

pub fn nonce_mismatch(provider: &ProviderName) -> Error {
    let message = format!("the answer of the provider {provider} belongs to another log-in");
    Error::new(Kind::Denied, "nonce_mismatch", message).hint("begin again at the log-in page")
}

pub fn clock_off(provider: &ProviderName) -> Error {
    let message = format!("the clocks of this coordinator and of the provider {provider} differ too much");
    Error::new(Kind::Denied, "clock_off", message)
        .hint("tell whoever runs this coordinator: one of both hosts does not keep its time by NTP")
}
