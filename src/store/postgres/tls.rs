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

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::ServerConfig;
    use rustls::pki_types::PrivateKeyDer;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
    use tokio_rustls::TlsAcceptor;

    /// A server named localhost, and a file with its certificate.
    fn server() -> (TlsAcceptor, tempfile::NamedTempFile) {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), certificate.pem()).unwrap();
        let config =
            ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(
                    vec![certificate.der().clone()],
                    PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
                );
        (TlsAcceptor::from(Arc::new(config.unwrap())), file)
    }

    /// What a client that calls the server `domain` hears of it.
    async fn meet(server: &TlsAcceptor, connector: &Connector, domain: &str) -> io::Result<Vec<u8>> {
        let (here, there) = tokio::io::duplex(1 << 16);
        let server = server.clone();
        let serving = tokio::spawn(async move {
            let mut session = server.accept(there).await?;
            session.write_all(b"ready").await?;
            session.shutdown().await
        });
        let session = MakeTlsConnect::<DuplexStream>::make_tls_connect(&mut connector.clone(), domain)?;
        let mut stream = session.connect(here).await?;
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).await?;
        serving.await.unwrap()?;
        Ok(heard)
    }

    #[tokio::test]
    async fn a_server_is_believed_by_the_authority_and_the_name_that_were_given_and_by_nothing_else() {
        let ((server, ours), (_, others)) = (server(), server());
        let believing = connector(Some(ours.path())).unwrap();
        assert_eq!(meet(&server, &believing, "localhost").await.unwrap(), b"ready");
        for (connector, domain) in [
            (&believing, "db.example"),
            (&believing, ""),
            (&connector(Some(others.path())).unwrap(), "localhost"),
            (&connector(None).unwrap(), "localhost"),
        ] {
            assert!(meet(&server, connector, domain).await.is_err(), "{domain}");
        }
    }

    #[test]
    fn a_file_without_certificates_is_no_authority() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for text in ["", "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"] {
            std::fs::write(file.path(), text).unwrap();
            assert!(connector(Some(file.path())).is_err(), "{text}");
        }
        assert!(connector(Some(Path::new("/nonexistent"))).is_err());
    }
}
