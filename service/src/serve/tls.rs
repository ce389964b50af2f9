//! TLS for the service's own listener, from a certificate and a key in PEM files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::shown;

/// The two files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsChoice {
    /// The certificate, and those that lead to its root.
    pub cert: PathBuf,
    /// The certificate's private key.
    pub key: PathBuf,
}

/// The files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// One of them is not PEM, or not there.
    #[error("cannot read {} {}: {reason}", what, shown::path(path))]
    File {
        /// The certificate or the key.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// They do not go together.
    #[error(
        "the certificate {} and the key {} cannot be used: {source}",
        shown::path(cert),
        shown::path(key)
    )]
    Pair {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why not.
        source: rustls::Error,
    },
}

/// Reads the files of `choice`.
pub(super) fn acceptor(choice: &TlsChoice) -> Result<TlsAcceptor, TlsError> {
    let chain = certificates(&choice.cert)?;
    let key = PrivateKeyDer::from_pem_file(&choice.key)
        .map_err(|error| refused("the key", &choice.key, error.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key));
    let config = config.map_err(|source| TlsError::Pair {
        cert: choice.cert.clone(),
        key: choice.key.clone(),
        source,
    })?;
    Ok(Arc::new(config).into())
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let what = "the certificate";
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let chain: Vec<_> = read.map_err(|error| refused(what, path, error.to_string()))?;
    if chain.is_empty() {
        return Err(refused(what, path, "there is none in it".to_owned()));
    }
    Ok(chain)
}

fn refused(what: &'static str, path: &Path, reason: String) -> TlsError {
    TlsError::File {
        what,
        path: path.to_owned(),
        reason,
    }
}
