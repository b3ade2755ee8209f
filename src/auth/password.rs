//! Passwords: Argon2id (RFC 9106) with the parameters of the OWASP cheat sheet, off the async threads, a few
//! at a time, so that a flood of log-ins delays nobody else. `service` is the caller.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::core::secret::Secret;
use crate::core::{Error, Kind, Result};

/// KiB of memory, passes, lanes.
const COST: (u32, u32, u32) = (19_456, 2, 1);

/// In characters.
pub const SHORTEST: usize = 8;
/// In bytes: nobody types more, and more would only cost time.
const LONGEST: usize = 1024;

/// How long a log-in waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// A hash of the same cost as every other, of a password that nobody knows: what is verified where there is
/// no account, so that the answer takes as long.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$TS+ADAJ6kxnULXIPKqiOsQ$Xp6MxF2hT1Clu7J2xeqLfvhox3x6uTYZ6QGqEshAFAM";

/// Hashes and verifies passwords. Cheap to clone; the clones share their bound.
#[derive(Clone)]
pub struct Passwords(Arc<Semaphore>);

impl Default for Passwords {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        // One core stays for everything else.
        Passwords(Arc::new(Semaphore::new(cores.saturating_sub(1).clamp(1, 4))))
    }
}

impl Passwords {
    /// The hash to keep, as a PHC string; a password that is too short or too long is a usage error.
    pub async fn hash(&self, password: Secret) -> Result<String> {
        check_length(&password)?;
        self.work(move || {
            let hash = argon2()?.hash_password(password.reveal().as_bytes());
            hash.map(|hash| hash.to_string())
                .map_err(|e| Error::bug(format!("a password cannot be hashed: {e}")))
        })
        .await
    }

    /// Whether `password` is the one that `hash` was made of. Without a hash it is not, and finding that out
    /// takes as long.
    pub async fn verify(&self, password: Secret, hash: Option<String>) -> Result<bool> {
        if password.reveal().len() > LONGEST {
            return Ok(false);
        }
        self.work(move || {
            let known = hash.as_deref().unwrap_or(NOBODY);
            let parsed = PasswordHash::new(known)
                .map_err(|e| Error::bug(format!("a stored password hash is not readable: {e}")))?;
            let matches = argon2()?.verify_password(password.reveal().as_bytes(), &parsed).is_ok();
            Ok(matches && hash.is_some())
        })
        .await
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let turn = self.turn().await?;
        let done = tokio::task::spawn_blocking(move || {
            let outcome = work();
            drop(turn);
            outcome
        });
        done.await.map_err(|e| Error::bug("hashing a password panicked").source(e))?
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.0).acquire_owned()).await;
        let busy = || Error::new(Kind::Unavailable, "log_in_busy", "too many people log in at this moment");
        turn.map_err(|_| busy())?.map_err(|_| busy())
    }
}

fn argon2() -> Result<Argon2<'static>> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None);
    let params = params.map_err(|e| Error::bug(format!("Argon2 refuses its parameters: {e}")))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn check_length(password: &Secret) -> Result<()> {
    let text = password.reveal();
    if text.chars().count() < SHORTEST {
        return Err(Error::usage(
            "password_too_short",
            format!("a password has at least {SHORTEST} characters"),
        )
        .hint("three or four random words are easy to remember"));
    }
    match text.len() > LONGEST {
        true => Err(Error::usage("password_too_long", format!("a password has at most {LONGEST} bytes"))),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_verifies_against_its_own_hash_only() {
        let passwords = Passwords::default();
        let hash = passwords.hash(Secret::new("correct horse")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify(Secret::new("correct horse"), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify(Secret::new("battery staple"), Some(hash)).await.unwrap());
    }

    #[tokio::test]
    async fn nobody_has_no_password_and_costs_as_much() {
        assert!(!Passwords::default().verify(Secret::new("anything"), None).await.unwrap());
        let parsed = PasswordHash::new(NOBODY).unwrap();
        let params = Params::try_from(&parsed).unwrap();
        assert_eq!((params.m_cost(), params.t_cost(), params.p_cost()), COST);
        assert_eq!(parsed.hash.unwrap().len(), 32);
    }

    #[tokio::test]
    async fn short_and_endless_passwords_are_refused() {
        let passwords = Passwords::default();
        let code =
            async |text: String| passwords.hash(Secret::new(text)).await.unwrap_err().code().to_owned();
        assert_eq!(code("seven77".into()).await, "password_too_short");
        assert_eq!(code("a".repeat(1025)).await, "password_too_long");
        assert!(!passwords.verify(Secret::new("a".repeat(10_000)), None).await.unwrap());
    }
}
