//! The authorization code flow with PKCE (OpenID Connect Core 1.0 section 3.1, RFC 7636): where a browser is sent,
//! and what is made of what it brings back. Nonce and code verifier are not kept anywhere: they follow from a
//! secret in the browser's cookie and from the state, so that only the browser that left can come back.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{
    CoreAuthPrompt, CoreAuthenticationFlow, CoreClaimName, CoreClient, CoreErrorResponseType, CoreIdToken,
    CoreIdTokenClaims, CoreIdTokenVerifier, CoreJwsSigningAlgorithm, CoreTokenResponse,
};
use openidconnect::{
    AccessTokenHash, AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, LogoutRequest, Nonce, OAuth2TokenResponse as _,
    PkceCodeChallenge, PkceCodeVerifier, PostLogoutRedirectUrl, RedirectUrl, RequestTokenError, Scope,
    SignatureVerificationError, StandardErrorResponse, TokenResponse as _,
};
use std::time::Duration;

use super::claims::{Claims, Untimely};
use super::directory::{Directory, Metadata, secret_in_body};
use super::jwt::names_its_key;
use super::{LEEWAY, trouble};
use crate::core::provider::{Provider, ProviderName};
use crate::core::secret::Secret;
use crate::core::{Error, Result, Timestamp};

/// When somebody showed the provider who they are (OpenID Connect Core 1.0 section 2).
const AUTH_TIME: &str = "auth_time";

/// The algorithms that count: those that need no shared secret, and are wide-spread.
pub const ALGORITHMS: [CoreJwsSigningAlgorithm; 3] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EdDsa,
];

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// One log-in under way.
#[derive(Clone, Debug)]
pub struct Flow {
    pub provider: Provider,
    pub secret: Option<Secret>,
    /// Where the provider sends the browser back to.
    pub redirect: String,
    /// What the browser's cookie holds.
    pub browser: Secret,
    /// What goes to the provider and comes back.
    pub state: Secret,
}

/// Somebody whom the provider has vouched for.
#[derive(Clone, Debug)]
pub struct Proven {
    /// Of the ID token, and of the userinfo endpoint where that says more.
    pub claims: Claims,
    /// As it came, for the log-out at the provider.
    pub id_token: String,
    /// When they last showed the provider who they are: it may have let them through by a log-in of before. None
    /// where it did not say, though it says of itself that it does.
    pub shown_at: Option<Timestamp>,
}

impl Flow {
    fn derive(&self, purpose: &str) -> String {
        let text = format!("{purpose} {} {}", self.browser.reveal(), self.state.reveal());
        URL_SAFE_NO_PAD.encode(Secret::new(text).hash().as_bytes())
    }

    fn nonce(&self) -> Nonce {
        Nonce::new(self.derive("nonce"))
    }

    fn verifier(&self) -> PkceCodeVerifier {
        PkceCodeVerifier::new(self.derive("verifier"))
    }

    fn client(&self, metadata: &Metadata) -> Result<Client> {
        let secret = self.secret.as_ref().map(|secret| ClientSecret::new(secret.reveal().to_owned()));
        let id = ClientId::new(self.provider.client_id.clone());
        let redirect = RedirectUrl::new(self.redirect.clone())
            .map_err(|e| Error::bug("the way back is no URL").source(e))?;
        let client = CoreClient::from_provider_metadata(metadata.clone(), id, secret);
        let place = if secret_in_body(metadata) { AuthType::RequestBody } else { AuthType::BasicAuth };
        Ok(client.set_redirect_uri(redirect).set_auth_type(place))
    }

    /// Where the browser logs in. `anew`: the provider is to ask who it is, and to say when it did, whether or not it
    /// knows the browser (`prompt`, `max_age`: OpenID Connect Core 1.0 section 3.1.2.1).
    pub fn authorization_url(&self, metadata: &Metadata, anew: bool) -> Result<String> {
        let (state, nonce) = (CsrfToken::new(self.state.reveal().to_owned()), self.nonce());
        let client = self.client(metadata)?;
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&self.verifier());
        let request = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, move || state, move || nonce)
            .add_scopes(self.provider.scopes.iter().cloned().map(Scope::new))
            .set_pkce_challenge(challenge);
        let request = match anew {
            true => request.add_prompt(CoreAuthPrompt::Login).set_max_age(Duration::ZERO),
            false => request,
        };
        Ok(request.url().0.to_string())
    }

    /// What a code proves. Asks the provider for the tokens, and checks the ID token as OpenID Connect Core 1.0
    /// section 3.1.3.7 says.
    pub async fn redeem(&self, directory: &Directory, code: &str, now: Timestamp) -> Result<Proven> {
        let name = &self.provider.name;
        let metadata = directory.metadata(&self.provider, now).await?;
        let tokens = self.exchange(directory, &metadata, code).await?;
        let id_token = tokens.id_token().ok_or_else(|| trouble::broken(name, "it gives no ID token"))?;
        let claims = match self.check(&metadata, id_token, &tokens, now) {
            Err(Refused::UnknownKey) => {
                let metadata = directory.with_new_keys(&self.provider, now).await?;
                self.check(&metadata, id_token, &tokens, now)
            }
            checked => checked,
        };
        let mut claims = claims.map_err(|refused| refused.into_error(name))?;
        let more = self.userinfo(directory, &metadata, &tokens, &claims).await?;
        let shown_at = shown_at(&claims, &metadata, now);
        claims.fill(more);
        Ok(Proven { claims, id_token: id_token.to_string(), shown_at })
    }

    async fn exchange(
        &self,
        directory: &Directory,
        metadata: &Metadata,
        code: &str,
    ) -> Result<CoreTokenResponse> {
        let (client, verifier) = (self.client(metadata)?, self.verifier());
        let (code, name) = (AuthorizationCode::new(code.to_owned()), self.provider.name.clone());
        let call = move |http: &super::http::Http| {
            let request = client.exchange_code(code).map_err(|e| trouble::broken(&name, e))?;
            let answer = request.set_pkce_verifier(verifier).request(http);
            answer.map_err(|error| not_exchanged(&name, error))
        };
        directory.call(&self.provider, call).await?
    }

    fn check(
        &self,
        metadata: &Metadata,
        token: &CoreIdToken,
        tokens: &CoreTokenResponse,
        now: Timestamp,
    ) -> Result<Claims, Refused> {
        let client = self.client(metadata).map_err(|_| Refused::Bad("the client".into()))?;
        let verifier = verifier(&client, now);
        let typed = token.claims(&verifier, &self.nonce()).map_err(|error| Refused::of(error, token))?;
        check_access_token(typed, token, &verifier, tokens)?;
        let claims = payload(&token.to_string()).ok_or_else(|| Refused::Bad("its claims".into()))?;
        self.check_parties(&claims)?;
        match claims.untimely(now, LEEWAY) {
            None => Ok(claims),
            Some(Untimely::NoEnd) => Err(Refused::Bad("it has no end".into())),
            Some(Untimely::Over | Untimely::Early) => Err(Refused::Clock),
        }
    }

    /// Whom the token was made for: this client, and where it is for others too, then at this client's request
    /// (OpenID Connect Core 1.0 section 3.1.3.7, 3 to 5).
    fn check_parties(&self, claims: &Claims) -> Result<(), Refused> {
        let party = claims.text("azp");
        let is_ours = party.is_none_or(|party| party == self.provider.client_id);
        match is_ours && (claims.audiences().len() <= 1 || party.is_some()) {
            true => Ok(()),
            false => Err(Refused::Bad("it was made for another party".into())),
        }
    }

    /// What the userinfo endpoint says (OpenID Connect Core 1.0 section 5.3), asked where the ID token has no
    /// e-mail address, does not say whether that is theirs, or lacks the claim of a rule.
    async fn userinfo(
        &self,
        directory: &Directory,
        metadata: &Metadata,
        tokens: &CoreTokenResponse,
        claims: &Claims,
    ) -> Result<Claims> {
        let name = self.provider.name.clone();
        let complete = claims.tells_of_an_address() && !self.lacks_a_claim(claims);
        let Some(url) = metadata.userinfo_endpoint().filter(|_| !complete) else {
            return Ok(Claims::default());
        };
        let (url, token) = (url.to_string(), tokens.access_token().secret().clone());
        let answer = directory.call(&self.provider, move |http| http.get(&url, &token)).await?;
        let (status, body) = answer.map_err(|e| trouble::unavailable(&name, e))?;
        let said = (status == 200).then(|| serde_json::from_slice(&body).map(Claims).ok()).flatten();
        let said = said.ok_or_else(|| trouble::broken(&name, format!("userinfo answers {status}")))?;
        match said.text("sub").is_some() && said.text("sub") == claims.text("sub") {
            true => Ok(said),
            false => Err(trouble::bad_token(&name, "userinfo speaks of somebody else")),
        }
    }

    fn lacks_a_claim(&self, claims: &Claims) -> bool {
        self.provider.rules.iter().any(|rule| {
            let first = rule.claim.split('.').next().unwrap_or_default();
            !claims.0.contains_key(&rule.claim) && !claims.0.contains_key(first)
        })
    }
}

/// When somebody last showed the provider who they are. Whoever holds the browser can take out of the request what asks for
/// it, so a provider that knows of `auth_time` and does not say it proves nothing; one that does not counts as asking each time.
fn shown_at(claims: &Claims, metadata: &Metadata, now: Timestamp) -> Option<Timestamp> {
    let says = |known: &Vec<CoreClaimName>| known.iter().any(|name| name.as_str() == AUTH_TIME);
    match claims.time(AUTH_TIME) {
        Some(at) => Some(at.min(now)),
        None if metadata.claims_supported().is_some_and(says) => None,
        None => Some(now),
    }
}

fn verifier(client: &Client, now: Timestamp) -> CoreIdTokenVerifier<'_> {
    // The crate has no leeway: it is told an earlier time for what is over. What is too early is checked by us.
    let millis = now.as_millis().saturating_sub(i64::try_from(LEEWAY.as_millis()).unwrap_or(0));
    let time =
        chrono::DateTime::from_timestamp_millis(millis).unwrap_or(chrono::DateTime::<chrono::Utc>::MAX_UTC);
    client
        .id_token_verifier()
        .set_allowed_algs(ALGORITHMS)
        .set_time_fn(move || time)
        // Others beside us are allowed where `azp` says that we asked.
        .set_other_audience_verifier_fn(|_| true)
}

/// The access token is the one that the ID token was made with (OpenID Connect Core 1.0 section 3.1.3.8).
fn check_access_token(
    claims: &CoreIdTokenClaims,
    token: &CoreIdToken,
    verifier: &CoreIdTokenVerifier<'_>,
    tokens: &CoreTokenResponse,
) -> Result<(), Refused> {
    let Some(expected) = claims.access_token_hash() else { return Ok(()) };
    let algorithm = token.signing_alg().map_err(|e| Refused::Bad(e.to_string()))?;
    let key = token.signing_key(verifier).map_err(|e| Refused::Bad(e.to_string()))?;
    let found = AccessTokenHash::from_token(tokens.access_token(), algorithm, key);
    match found.is_ok_and(|found| found == *expected) {
        true => Ok(()),
        false => Err(Refused::Bad("the access token is another one".into())),
    }
}

/// Where a browser logs out at the provider and is led back to `back` (OpenID Connect RP-Initiated Logout 1.0
/// section 2); none where there is no such place.
pub fn log_out_url(metadata: &Metadata, provider: &Provider, id_token: &str, back: &str) -> Option<String> {
    let place = metadata.additional_metadata().end_session_endpoint.clone()?;
    let mut url = LogoutRequest::from(place)
        .set_client_id(ClientId::new(provider.client_id.clone()))
        .set_post_logout_redirect_uri(PostLogoutRedirectUrl::new(back.to_owned()).ok()?)
        .http_get_url();
    // As it came: the crate's own hint is a token that it has read.
    url.query_pairs_mut().append_pair("id_token_hint", id_token);
    Some(url.to_string())
}

/// The claims of a compact token (RFC 7515 section 3.1), whose signature somebody else checks.
pub fn payload(token: &str) -> Option<Claims> {
    let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&bytes).map(Claims).ok()
}

/// Why an ID token does not count.
#[derive(Debug)]
enum Refused {
    UnknownKey,
    Nonce,
    Clock,
    Bad(String),
}

impl Refused {
    fn of(error: ClaimsVerificationError, token: &CoreIdToken) -> Self {
        match error {
            ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey) => {
                Refused::UnknownKey
            }
            // Keys without names come and go unseen.
            ClaimsVerificationError::SignatureVerification(SignatureVerificationError::CryptoError(_))
                if !names_its_key(&token.to_string()) =>
            {
                Refused::UnknownKey
            }
            ClaimsVerificationError::InvalidNonce(_) => Refused::Nonce,
            ClaimsVerificationError::Expired(_) => Refused::Clock,
            ClaimsVerificationError::SignatureVerification(e) => Refused::Bad(format!("its signature: {e}")),
            other => Refused::Bad(other.to_string()),
        }
    }

    fn into_error(self, provider: &ProviderName) -> Error {
        match self {
            Refused::UnknownKey => trouble::bad_token(provider, "it is signed with an unknown key"),
            Refused::Nonce => trouble::nonce_mismatch(provider),
            Refused::Clock => trouble::clock_off(provider),
            Refused::Bad(what) => trouble::bad_token(provider, what),
        }
    }
}

type ExchangeError = RequestTokenError<ureq::Error, StandardErrorResponse<CoreErrorResponseType>>;

fn not_exchanged(provider: &ProviderName, error: ExchangeError) -> Error {
    match error {
        RequestTokenError::ServerResponse(said) => match said.error() {
            CoreErrorResponseType::InvalidClient | CoreErrorResponseType::UnauthorizedClient => {
                trouble::misconfigured(provider, said.to_string())
            }
            _ => trouble::code_refused(provider, said.to_string()),
        },
        RequestTokenError::Request(e) => trouble::unavailable(provider, e),
        other => trouble::broken(provider, other.to_string()),
    }
}
