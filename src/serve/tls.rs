//! TLS of the public listener: 1.2 and 1.3, with certificates of clients where they are asked for.

use super::{StartError, read, read_secret};
use crate::config::Config;
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig};

/// What `[tls]` describes; `None`: no such section.
///
/// # Errors
/// [`StartError`] naming the file, or what in it cannot be used.
pub(super) fn read_tls(config: &Config) -> Result<Option<TlsAcceptor>, StartError> {
    let Some(tls) = &config.tls else { return Ok(None) };
    let chain = certificates(&tls.certificate)?;
    let key = PrivateKeyDer::from_pem_slice(read_secret(&tls.key)?.as_bytes())
        .map_err(|_| bad("the key cannot be read"))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|_| bad("no protocol version"))?;
    let builder = match &tls.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => builder.with_client_cert_verifier(clients(path, provider)?),
    };
    let server = builder.with_single_cert(chain, key).map_err(|_| bad("certificate and key do not fit"))?;
    Ok(Some(TlsAcceptor::from(Arc::new(server))))
}

/// Why the public listener of `config` must not be opened: it would speak plain HTTP to others than this machine, and
/// nobody said that something before it ends TLS (P 7 7).
pub(super) fn refuse_plain(config: &Config) -> Result<(), StartError> {
    if config.tls.is_some() || config.listen.plain || config.listen.public.ip().is_loopback() {
        return Ok(());
    }
    let text = "[tls] is missing and listen.public is not on loopback: messages would travel in the clear. Add [tls], or \
                set listen.plain = true if something before the service ends TLS";
    Err(StartError::Other(text.to_owned()))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, StartError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(path)?).collect();
    let chain = read.map_err(|_| StartError::Tls(format!("{}: cannot be read", path.display())))?;
    if chain.is_empty() {
        Err(StartError::Tls(format!("{}: holds no certificate", path.display())))
    } else {
        Ok(chain)
    }
}

/// Only who shows a certificate of one of these authorities is let in.
fn clients(path: &Path, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ClientCertVerifier>, StartError> {
    let mut authorities = RootCertStore::empty();
    let bad = || StartError::Tls(format!("{}: cannot be used as authorities of clients", path.display()));
    for certificate in certificates(path)? {
        authorities.add(certificate).map_err(|_| bad())?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), provider);
    verifier.build().map_err(|_| bad())
}

fn bad(what: &str) -> StartError {
    StartError::Tls(what.to_owned())
}
