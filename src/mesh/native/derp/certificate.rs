//! The relay's own TLS certificate, for a coordinator without a domain: clients pin it by its hash, which the
//! network map tells them (`DERPNode.CertName` in Tailscale's `tailcfg/derpmap.go`).

use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use std::time::Duration;

use crate::core::secret::Secret;
use crate::core::{Error, Kind, Result, Timestamp, hex};

/// The longest TLS record that a relay's client is sent, in bytes. Its buffer is made and dropped once a
/// write: above 8 KiB the kernel would map and clear one each time (`runtime::memory`).
pub const MAX_RECORD: usize = 7 * 1024;

const DAY: Duration = Duration::from_secs(86_400);
const VALID_YEARS: i16 = 10;

/// A certificate and its key, both as PEM for the store.
#[derive(Clone, Debug)]
pub struct Certificate {
    pub certificate_pem: String,
    pub key_pem: Secret,
}

impl Certificate {
    /// Makes a self-signed certificate (ECDSA P-256) for these names and addresses: valid from the day before
    /// `now`, for clients whose clock is behind, and for ten years.
    pub fn self_signed(names: &[String], now: Timestamp) -> Result<Self> {
        let failed = |e: rcgen::Error| Error::bug("the relay's certificate could not be made").source(e);
        let mut params = CertificateParams::new(names).map_err(failed)?;
        params.distinguished_name.push(DnType::CommonName, "relay");
        let (from, until) = validity(now)?;
        params.not_before = rcgen::date_time_ymd(from.0, from.1, from.2);
        params.not_after = rcgen::date_time_ymd(until.0, until.1, until.2);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
        let certificate = params.self_signed(&key).map_err(failed)?;
        Ok(Certificate { certificate_pem: certificate.pem(), key_pem: Secret::new(key.serialize_pem()) })
    }

    /// SHA-256 of the certificate's DER in hexadecimal: what follows `sha256-raw:` in the map's `CertName`.
    pub fn sha256_raw(&self) -> Result<String> {
        Ok(hex::encode(&Sha256::digest(self.certificate()?)))
    }

    /// TLS for the relay with this certificate.
    pub fn server_config(&self) -> Result<Arc<ServerConfig>> {
        let key = PrivateKeyDer::from_pem_slice(self.key_pem.reveal().as_bytes()).map_err(unreadable)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unreadable)?
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate()?], key)
            .map_err(unreadable)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Connections last for days: sessions kept for a resumption would only cost memory.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.max_fragment_size = Some(MAX_RECORD);
        Ok(Arc::new(config))
    }

    fn certificate(&self) -> Result<CertificateDer<'static>> {
        CertificateDer::from_pem_slice(self.certificate_pem.as_bytes()).map_err(unreadable)
    }
}

fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Kind::Local, "relay_certificate", "the relay's certificate cannot be used").source(error)
}

type Date = (i32, u8, u8);

fn validity(now: Timestamp) -> Result<(Date, Date)> {
    let day = jiff::Timestamp::from_millisecond(now.as_millis())
        .and_then(|now| now.checked_sub(DAY))
        .map(|from| from.to_zoned(jiff::tz::TimeZone::UTC).date());
    let day = day.map_err(|e| Error::bug("the clock is out of range").source(e))?;
    // The 29th to 31st count as the 28th, which every month of every year has.
    let date =
        |years| (i32::from(day.year() + years), day.month().unsigned_abs(), day.day().unsigned_abs().min(28));
    Ok((date(0), date(VALID_YEARS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate() -> Certificate {
        let names = ["relay.example".to_owned(), "192.168.1.10".to_owned(), "fd00::1".to_owned()];
        Certificate::self_signed(&names, Timestamp::parse("2026-03-01T00:00:00Z").unwrap()).unwrap()
    }

    #[test]
    fn the_validity_begins_before_and_lasts_ten_years() {
        let now = Timestamp::parse("2026-03-01T00:00:00Z").unwrap();
        assert_eq!(validity(now).unwrap(), ((2026, 2, 28), (2036, 2, 28)));
        let leap = Timestamp::parse("2028-03-01T12:00:00Z").unwrap();
        assert_eq!(validity(leap).unwrap(), ((2028, 2, 28), (2038, 2, 28)));
    }

    #[test]
    fn reads_back_from_its_pem_and_serves() {
        let made = certificate();
        let read =
            Certificate { certificate_pem: made.certificate_pem.clone(), key_pem: made.key_pem.clone() };
        assert_eq!(read.sha256_raw().unwrap(), made.sha256_raw().unwrap());
        assert_eq!(read.sha256_raw().unwrap().len(), 64);
        assert!(read.server_config().is_ok());
        assert!(!format!("{made:?}").contains("PRIVATE KEY"));
    }

    #[test]
    fn what_is_no_certificate_is_an_error() {
        let broken = Certificate { certificate_pem: "no".to_owned(), key_pem: Secret::new("no") };
        assert_eq!(broken.sha256_raw().unwrap_err().code(), "relay_certificate");
        assert_eq!(broken.server_config().unwrap_err().code(), "relay_certificate");
    }
}
