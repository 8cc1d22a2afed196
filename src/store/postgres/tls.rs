//! TLS to the database: by rustls, the server's certificate always verified, against authorities that are named.

use crate::store::StoreError;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;

/// Makes sessions.
#[derive(Clone)]
pub struct Connector(Arc<ClientConfig>);

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connector")
    }
}

/// A connector that believes what these authorities signed; without any, it believes nobody.
///
/// # Errors
/// [`StoreError::Setup`] when the file cannot be read.
pub fn connector(authorities: Option<&Path>) -> Result<Connector, StoreError> {
    let unreadable = |path: &Path| {
        StoreError::Setup(format!("database.authorities: {} holds no certificates in PEM", path.display()))
    };
    let mut roots = RootCertStore::empty();
    if let Some(path) = authorities {
        for certificate in CertificateDer::pem_file_iter(path).map_err(|_| unreadable(path))? {
            let certificate = certificate.map_err(|_| unreadable(path))?;
            roots.add(certificate).map_err(|_| unreadable(path))?;
        }
        if roots.is_empty() {
            return Err(unreadable(path));
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| StoreError::Setup("TLS to the database cannot be set up".to_owned()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Connector(Arc::new(config)))
}

/// The same, for one server; a socket of this machine has no name, and no TLS.
pub struct Session(TlsConnector, Option<ServerName<'static>>);

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for Connector {
    type Stream = Stream<S>;
    type TlsConnect = Session;
    type Error = io::Error;

    fn make_tls_connect(&mut self, domain: &str) -> io::Result<Session> {
        Ok(Session(TlsConnector::from(self.0.clone()), ServerName::try_from(domain.to_owned()).ok()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for Session {
    type Stream = Stream<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            let name = self.1.ok_or(io::ErrorKind::InvalidInput)?;
            Ok(Stream(Box::new(self.0.connect(name, stream).await?)))
        })
    }
}

/// A session. The channel is not bound to the login (RFC 5802): a server whose certificate was not verified gets no login.
pub struct Stream<S>(Box<tokio_rustls::client::TlsStream<S>>);

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Stream<S> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_shutdown(context)
    }
}
