//! Which certificates calls to elsewhere trust, and with what they compute. Whoever calls somebody over https begins
//! here, so that there is one answer.

use std::sync::Arc;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// Trusts what the system trusts, or `SSL_CERT_FILE`: the system's verifier reads that itself.
pub fn system() -> TlsConfig {
    with(RootCerts::PlatformVerifier)
}

/// Trusts these certificates alone.
pub fn only(certificates: &[Certificate<'static>]) -> TlsConfig {
    with(RootCerts::new_with_certs(certificates))
}

fn with(roots: RootCerts) -> TlsConfig {
    TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(roots)
        .build()
}
