//! The outgoing HTTP of the service and of `kdp send`: every wait bounded, connections kept where that was asked for.

mod line;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, ETAG, HOST, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, USER_AGENT};
use hyper::header::{HeaderName, HeaderValue};
use hyper::http::{request::Builder, uri::Authority, uri::PathAndQuery};
use hyper::{Request, Response, Uri};
use line::{Doubt, Kept, Line, Lost, Place};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Longest answer that is read, bytes.
const MAX_ANSWER: usize = 4 << 20;
/// Some gateways refuse a client that does not name itself.
const AGENT: &str = concat!("kdp/", env!("CARGO_PKG_VERSION"));

/// Why there is no answer. Display names the step, never an address or content.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Not an `http` or `https` address with a host, or one with a password in it.
    #[error("the address must be http://host:port/path or https://host:port/path")]
    Address,
    /// `https` without authorities to hold the server against.
    #[error("https needs the certificates of the authorities that the server's certificate chains to")]
    NoAuthorities,
    /// The authorities' file holds no usable certificate.
    #[error("the file of authorities holds no usable PEM certificate")]
    Authorities,
    /// Nobody listens, or the network does not lead there.
    #[error("no connection: {0}")]
    Connect(std::io::ErrorKind),
    /// The TLS handshake failed.
    #[error("no TLS connection: the server's certificate is not believed, or it speaks no TLS 1.2 or 1.3")]
    Tls,
    /// The time was up.
    #[error("no answer in time")]
    Timeout,
    /// The answer is longer than 4 MiB.
    #[error("the answer is longer than 4 MiB")]
    TooLong,
    /// The connection broke, or what came is not HTTP.
    #[error("the connection broke, or the answer is not HTTP")]
    Broken,
}

/// What a server answered.
pub struct HttpAnswer {
    /// HTTP status.
    pub status: u16,
    /// The whole body, at most 4 MiB.
    pub body: Bytes,
}

/// An answer that was read to its end, and the connection on which it came: dropped, that is closed.
pub struct Held<'c> {
    /// See there.
    pub answer: HttpAnswer,
    place: Place,
    line: Line,
    kept: &'c Kept,
}

impl Held<'_> {
    /// Keeps the connection for the next question, if there is room.
    #[must_use]
    pub fn keep(self) -> HttpAnswer {
        self.kept.put(self.place, self.line);
        self.answer
    }
}

/// What a server said of the state of a file, to ask later whether it changed (RFC 9110, 8.8).
#[derive(Clone, Debug, Default)]
pub struct Validators {
    etag: Option<HeaderValue>,
    last_modified: Option<HeaderValue>,
}

/// An answer whose body comes piece by piece.
pub struct Download {
    /// HTTP status; 304: not changed.
    pub status: u16,
    /// For the next question.
    pub validators: Validators,
    body: Incoming,
    _line: Line,
}

impl Download {
    /// The next piece; `None`: that was all. It may take any time.
    ///
    /// # Errors
    /// [`HttpError::Broken`].
    pub async fn piece(&mut self) -> Result<Option<Bytes>, HttpError> {
        while let Some(frame) = self.body.frame().await {
            if let Ok(piece) = frame.map_err(|_| HttpError::Broken)?.into_data() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }
}

/// Sends requests. Redirects are not followed and proxies not used: an address is where it says it is.
pub struct HttpClient {
    tls: Option<TlsConnector>,
    timeout: Duration,
    kept: Kept,
}

impl HttpClient {
    /// A client whose exchanges take at most `timeout`. `authorities` are PEM certificates, for `https`; without
    /// them `https` is refused.
    ///
    /// # Errors
    /// [`HttpError::Authorities`].
    pub fn new(timeout: Duration, authorities: Option<&[u8]>) -> Result<Self, HttpError> {
        let tls = authorities.map(connector).transpose()?;
        Ok(Self { tls, timeout, kept: Kept::new(0) })
    }

    /// The same, keeping `most` connections for the next questions. For what may be asked twice alone: a question on a kept
    /// connection that ends without a word is repeated once, on a new one, since the server may have closed it before it
    /// read the question.
    #[must_use]
    pub fn keeping(self, most: usize) -> Self {
        Self { kept: Kept::new(most), ..self }
    }

    /// `GET uri`; any HTTP status is an answer.
    ///
    /// # Errors
    /// [`HttpError`].
    pub async fn get(&self, uri: &Uri) -> Result<HttpAnswer, HttpError> {
        self.exchange(uri, Request::get("/"), Bytes::new()).await.map(Held::keep)
    }

    /// `POST uri` of a SOAP 1.1 envelope, with an empty `SOAPAction` (wire.md 1); any HTTP status is an answer.
    ///
    /// # Errors
    /// [`HttpError`].
    pub async fn post_soap(&self, uri: &Uri, envelope: Bytes) -> Result<HttpAnswer, HttpError> {
        self.ask_soap(uri, envelope).await.map(Held::keep)
    }

    /// The same, for an asker who judges the answer before the connection is kept for the next question.
    ///
    /// # Errors
    /// [`HttpError`].
    pub async fn ask_soap(&self, uri: &Uri, envelope: Bytes) -> Result<Held<'_>, HttpError> {
        self.exchange(uri, soap(), envelope).await
    }

    /// `POST uri` of a body of this media type; any HTTP status is an answer.
    ///
    /// # Errors
    /// [`HttpError`].
    pub async fn post(
        &self,
        uri: &Uri,
        media_type: &'static str,
        body: Bytes,
    ) -> Result<HttpAnswer, HttpError> {
        self.exchange(uri, Request::post("/").header(CONTENT_TYPE, media_type), body).await.map(Held::keep)
    }

    /// `GET uri`, if it changed since `known`; any HTTP status is an answer. The time of the client is that until
    /// the body begins.
    ///
    /// # Errors
    /// [`HttpError`].
    pub async fn download(&self, uri: &Uri, known: &Validators) -> Result<Download, HttpError> {
        let mut request = Request::get("/");
        for (name, value) in [(IF_NONE_MATCH, &known.etag), (IF_MODIFIED_SINCE, &known.last_modified)] {
            if let Some(value) = value {
                request = request.header(name, value.clone());
            }
        }
        let request = addressed(uri, request, Bytes::new())?;
        let begun = async {
            let mut line = self.connect(uri).await?;
            let answer = line.ask(request).await?;
            Ok::<_, HttpError>((answer, line))
        };
        let (answer, line) = timeout(self.timeout, begun).await.map_err(|_| HttpError::Timeout)??;
        let validator = |name: HeaderName| answer.headers().get(name).cloned();
        let validators = Validators { etag: validator(ETAG), last_modified: validator(LAST_MODIFIED) };
        let status = answer.status().as_u16();
        Ok(Download { status, validators, body: answer.into_body(), _line: line })
    }

    async fn exchange(&self, uri: &Uri, request: Builder, body: Bytes) -> Result<Held<'_>, HttpError> {
        let request = addressed(uri, request, body)?;
        timeout(self.timeout, self.converse(uri, request)).await.map_err(|_| HttpError::Timeout)?
    }

    async fn converse(&self, uri: &Uri, request: Request<Full<Bytes>>) -> Result<Held<'_>, HttpError> {
        let part = |part: Option<&str>| part.unwrap_or_default().to_owned();
        let place = (part(uri.scheme_str()), part(uri.authority().map(Authority::as_str)));
        if let Some(mut line) = self.kept.take(&place).await {
            let doubt = Doubt::new(&self.kept);
            match line.ask(request.clone()).await {
                Ok(answer) => {
                    let answer = whole(answer).await?;
                    doubt.dispel();
                    return Ok(Held { answer, place, line, kept: &self.kept });
                }
                Err(Lost::Unheard) => {}
                Err(lost) => return Err(lost.into()),
            }
        }
        let mut line = self.connect(uri).await?;
        let answer = whole(line.ask(request).await?).await?;
        Ok(Held { answer, place, line, kept: &self.kept })
    }

    async fn connect(&self, uri: &Uri) -> Result<Line, HttpError> {
        let host = uri.host().ok_or(HttpError::Address)?.trim_matches(['[', ']']);
        let tls = match uri.scheme_str() {
            Some("http") => None,
            Some("https") => Some(self.tls.as_ref().ok_or(HttpError::NoAuthorities)?),
            _ => return Err(HttpError::Address),
        };
        let port = uri.port_u16().unwrap_or(if tls.is_some() { 443 } else { 80 });
        let failed = |e: std::io::Error| HttpError::Connect(e.kind());
        let stream = TcpStream::connect((host, port)).await.map_err(failed)?;
        // A question on a kept connection would else wait for the acknowledgement of the one before.
        stream.set_nodelay(true).map_err(failed)?;
        let Some(tls) = tls else { return Line::open(stream).await };
        let name = ServerName::try_from(host.to_owned()).map_err(|_| HttpError::Address)?;
        Line::open(tls.connect(name, stream).await.map_err(|_| HttpError::Tls)?).await
    }
}

/// Reads the answer to its end.
async fn whole(answer: Response<Incoming>) -> Result<HttpAnswer, HttpError> {
    let status = answer.status().as_u16();
    let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
    let body =
        body.map_err(|e| if e.is::<LengthLimitError>() { HttpError::TooLong } else { HttpError::Broken })?;
    Ok(HttpAnswer { status, body: body.to_bytes() })
}

/// SOAP 1.1 over HTTP (wire.md 1).
fn soap() -> Builder {
    Request::post("/").header(CONTENT_TYPE, "text/xml; charset=utf-8").header("SOAPAction", "\"\"")
}

impl From<Lost> for HttpError {
    fn from(_: Lost) -> Self {
        Self::Broken
    }
}

fn addressed(uri: &Uri, request: Builder, body: Bytes) -> Result<Request<Full<Bytes>>, HttpError> {
    let authority = uri.authority().map(Authority::as_str).filter(|a| !a.contains('@'));
    let request = request.uri(uri.path_and_query().map_or("/", PathAndQuery::as_str));
    let request = request.header(HOST, authority.ok_or(HttpError::Address)?).header(USER_AGENT, AGENT);
    request.body(Full::new(body)).map_err(|_| HttpError::Address)
}

fn connector(pem: &[u8]) -> Result<TlsConnector, HttpError> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate.map_err(|_| HttpError::Authorities)?).map_err(|_| HttpError::Authorities)?;
    }
    if roots.is_empty() {
        return Err(HttpError::Authorities);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| HttpError::Authorities)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
