//! The coordinator's certificate: read from two PEM files, and read again when told to, without a restart.

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use crate::config::server::TlsFiles;
use crate::core::{Error, Kind, Result};
use crate::mesh::native::derp::MAX_RECORD;

/// The certificate in use. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Certificate {
    files: TlsFiles,
    current: Arc<RwLock<Arc<CertifiedKey>>>,
}

impl Certificate {
    pub fn read(files: TlsFiles) -> Result<Self> {
        let current = Arc::new(RwLock::new(Arc::new(read(&files)?)));
        Ok(Certificate { files, current })
    }

    /// Reads the files again, for connections to come. Files that cannot be used change nothing.
    pub fn reload(&self) -> Result<()> {
        let key = Arc::new(read(&self.files)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = key;
        Ok(())
    }

    /// TLS 1.2 and 1.3, HTTP/1.1 alone: the upgrades of `/ts2021` and `/derp` need it.
    pub fn server_config(&self) -> Result<Arc<ServerConfig>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| Error::bug("the crypto provider has no TLS version").source(e))?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::new(self.clone()));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.max_fragment_size = Some(MAX_RECORD);
        Ok(Arc::new(config))
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn read(files: &TlsFiles) -> Result<CertifiedKey> {
    let chain = CertificateDer::pem_file_iter(&files.cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| unusable("--tls-cert", &files.cert, e.to_string()))?;
    if chain.is_empty() {
        return Err(unusable("--tls-cert", &files.cert, "it holds no certificate"));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|e| unusable("--tls-key", &files.key, e.to_string()))?;
    let provider = rustls::crypto::ring::default_provider();
    CertifiedKey::from_der(chain, key, &provider)
        .map_err(|e| unusable("--tls-key", &files.key, format!("it does not fit the certificate: {e}")))
}

fn unusable(flag: &str, path: &Path, why: impl Into<String>) -> Error {
    let message = format!("{flag} {} cannot be used: {}", path.display(), why.into());
    Error::new(Kind::Local, "unusable_certificate", message).hint(
        "it takes PEM files that this user may read: the chain, the coordinator's own first, and its key",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write_pair(directory: &Path) -> TlsFiles {
        let pair = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let files = TlsFiles { cert: directory.join("cert.pem"), key: directory.join("key.pem") };
        std::fs::write(&files.cert, pair.cert.pem()).unwrap();
        std::fs::write(&files.key, pair.signing_key.serialize_pem()).unwrap();
        files
    }

    #[test]
    fn a_new_certificate_is_taken_up_and_a_broken_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let certificate = Certificate::read(write_pair(directory.path())).unwrap();
        let used = || certificate.current.read().unwrap().cert[0].clone();
        let first = used();
        write_pair(directory.path());
        certificate.reload().unwrap();
        let second = used();
        assert_ne!(first, second);
        std::fs::write(&certificate.files.key, "nonsense").unwrap();
        assert_eq!(certificate.reload().unwrap_err().code(), "unusable_certificate");
        assert_eq!(used(), second);
    }

    #[test]
    fn a_missing_file_is_named() {
        let files = TlsFiles { cert: "/nowhere/c.pem".into(), key: "/nowhere/k.pem".into() };
        let error = Certificate::read(files).unwrap_err();
        assert!(error.message().contains("/nowhere/c.pem"), "{error}");
    }
}
