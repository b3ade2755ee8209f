//! TLS to the database server: rustls, with as much trust as the URL asks for.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::core::{Error, Kind, Result};

/// Whose certificate is good.
#[derive(Clone)]
pub(super) enum Trust {
    /// Anyone's: the connection is private from listeners, not from an impostor (libpq's `require`).
    Anyone,
    /// Those that the system trusts.
    System,
    /// Those that this file of PEM certificates signed.
    File(PathBuf),
}

/// Makes the TLS side of connections.
pub(super) fn connector(trust: &Trust) -> Result<MakeRustlsConnect> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?;
    let config = match trust {
        Trust::Anyone => builder.dangerous().with_custom_certificate_verifier(Arc::new(Anyone(provider))),
        Trust::System => builder.with_platform_verifier().map_err(unusable)?,
        Trust::File(path) => builder.with_root_certificates(roots(path)?),
    };
    Ok(MakeRustlsConnect::new(config.with_no_client_auth()))
}

fn unusable(failure: rustls::Error) -> Error {
    Error::new(Kind::Local, "tls_unusable", "TLS to the database cannot be set up")
        .hint("look at sslmode and sslrootcert in the URL of the database")
        .source(failure)
}

fn roots(path: &Path) -> Result<RootCertStore> {
    let unreadable = || {
        let message = format!("{} holds no PEM certificates", path.display());
        Error::new(Kind::Local, "sslrootcert_unusable", message)
            .hint("it names a file of certificates as PEM that this user may read")
    };
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(path).map_err(|e| unreadable().source(e))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|e| unreadable().source(e))?;
        roots.add(certificate).map_err(|e| unreadable().source(e))?;
    }
    match roots.is_empty() {
        true => Err(unreadable()),
        false => Ok(roots),
    }
}

/// Accepts every certificate, but still only from the holder of its key.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
