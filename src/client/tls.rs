//! Which certificates a client trusts: those of the system, or of `SSL_CERT_FILE`, or of one file.

use std::path::Path;
use ureq::tls::{Certificate, PemItem, TlsConfig, parse_pem};

use crate::core::{Error, Kind, Result};
use crate::runtime::trust;

/// Trusts the certificates in `ca_file` alone; without one, those of the system.
pub fn config(ca_file: Option<&Path>) -> Result<TlsConfig> {
    match ca_file {
        Some(path) => Ok(trust::only(&certificates(path)?)),
        None => Ok(trust::system()),
    }
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>> {
    let pem = std::fs::read(path).map_err(|error| refused(path, &error.to_string()))?;
    let all: Vec<Certificate> = parse_pem(&pem).filter_map(certificate).collect();
    if all.is_empty() { Err(refused(path, "there is no certificate in it")) } else { Ok(all) }
}

fn certificate(item: Result<PemItem<'static>, ureq::Error>) -> Option<Certificate<'static>> {
    match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    }
}

fn refused(path: &Path, reason: &str) -> Error {
    let message = format!("{} cannot be used as --ca-file: {reason}", path.display());
    Error::new(Kind::Local, "ca_file", message)
        .hint("it is to hold certificates in PEM: -----BEGIN CERTIFICATE-----")
}
