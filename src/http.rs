//! Listeners, TLS, limits, routes and drain: the only file that knows hyper's server.

use crate::app::App;
use crate::exchange::{self, Known, exchange};
use crate::fault::Fault;
use crate::soap::wsdl;
use crate::text::FaultCode;
use crate::token::status_list;
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HeaderValue, IF_NONE_MATCH,
    RETRY_AFTER,
};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::metrics::gauge::Gauge;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// How much of a body that is too large is read, so that its sender can read the answer.
const DRAIN_BYTES: usize = 4 << 20;
/// How long a connection may bring another request after the end was announced.
const LAST_REQUEST: Duration = Duration::from_millis(500);
/// Most connections that are taken from the queue of the operating system at the end.
const BACKLOG: usize = 4096;

/// Most connections of a listener: each has buffers before it has said anything.
const CONNECTIONS: usize = 4096;
/// What a message may take of memory while it arrives, bytes. Larger ones share [`LARGE`].
const SMALL: usize = 64 << 10;
/// What larger messages take together at most, KiB: else slow senders of large messages would fill the memory.
const LARGE: usize = 256 << 10;

/// A response of ours.
pub type Answer = Response<Full<Bytes>>;

/// Routes beside the service's own, such as the sandbox's.
pub trait Routes: Send + Sync {
    /// Answers the request, or `None` when it has no such route. The body is at most as large as a message.
    fn answer<'a>(
        &'a self,
        method: &'a Method,
        path: &'a str,
        body: Bytes,
    ) -> Pin<Box<dyn Future<Output = Option<Answer>> + Send + 'a>>;
}

/// Which routes a listener serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Messages, contract and keys.
    Public,
    /// Health and metrics.
    Admin,
    /// Both (sandbox).
    Both,
}

/// How a listener is opened, and how long.
#[derive(Clone)]
pub struct Door {
    /// What it serves.
    pub side: Side,
    /// TLS of the connections that come from now on; `None`: none.
    pub tls: watch::Receiver<Option<TlsAcceptor>>,
    /// Turns true when the listener shall end.
    pub stop: watch::Receiver<bool>,
}

/// What listeners share.
pub struct Server {
    app: Arc<App>,
    routes: Option<Arc<dyn Routes>>,
    base_url: String,
    draining: watch::Receiver<bool>,
    /// KiB of [`LARGE`] that are free.
    large: Semaphore,
}

impl Server {
    /// A server that is not ready any more when `draining` turns true. `base_url` is the address of the service for
    /// the WSDL.
    #[must_use]
    pub fn new(
        app: Arc<App>,
        routes: Option<Arc<dyn Routes>>,
        base_url: String,
        draining: watch::Receiver<bool>,
    ) -> Arc<Self> {
        Arc::new(Self { app, routes, base_url, draining, large: Semaphore::new(LARGE) })
    }

    /// Accepts connections until told to stop, then lets running exchanges end.
    pub async fn listen(self: Arc<Self>, listener: TcpListener, door: Door) {
        let mut connections = JoinSet::new();
        let mut stop = door.stop.clone();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = stopped(&mut stop) => break,
            };
            while connections.try_join_next().is_some() {}
            let Ok((stream, _)) = accepted else {
                // Out of descriptors: those that serve now will give some back.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            if connections.len() >= CONNECTIONS {
                self.app.metrics.shed.inc();
                continue;
            }
            connections.spawn(self.clone().meet(stream, door.clone()));
        }
        // Who has connected before the end is served too.
        for _ in 0..BACKLOG {
            let accepted = tokio::select! {
                biased;
                accepted = listener.accept() => accepted,
                () = std::future::ready(()) => break,
            };
            if let Ok((stream, _)) = accepted {
                connections.spawn(self.clone().meet(stream, door.clone()));
            }
        }
        drop(listener);
        let drain = Duration::from_secs(self.app.limits().drain_seconds);
        let ended = tokio::time::timeout(drain, async { while connections.join_next().await.is_some() {} });
        if ended.await.is_err() {
            tracing::warn!("exchanges were cut off at the end of the drain time");
        }
    }

    fn read_time(&self) -> Duration {
        Duration::from_secs(self.app.limits().read_seconds)
    }

    async fn meet(self: Arc<Self>, stream: TcpStream, door: Door) {
        let _ = stream.set_nodelay(true);
        let tls = door.tls.borrow().clone();
        match tls {
            None => self.serve(stream, door).await,
            Some(tls) => {
                let handshake = tokio::time::timeout(self.read_time(), tls.accept(stream));
                if let Ok(Ok(stream)) = handshake.await {
                    self.serve(stream, door).await;
                }
            }
        }
    }

    async fn serve(
        self: Arc<Self>,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        door: Door,
    ) {
        let Door { side, mut stop, .. } = door;
        let stopping = stop.clone();
        let service = service_fn(|request| {
            let (server, stopping) = (self.clone(), &stopping);
            async move {
                let answer = server.route(request, side).await;
                Ok::<_, Infallible>(if *stopping.borrow() { closing(answer) } else { answer })
            }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.read_time())
            .max_buf_size(self.app.limits().header_bytes)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            _ = connection.as_mut() => return,
            () = stopped(&mut stop) => {}
        }
        // A request that is under way already gets its answer, which says that it is the last on its connection.
        if tokio::time::timeout(LAST_REQUEST, connection.as_mut()).await.is_err() {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }

    async fn route(&self, request: Request<Incoming>, side: Side) -> Answer {
        if header_bytes(&request) > self.app.limits().header_bytes {
            let text = "the header is too large";
            return closing(self.unread(request, plain(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, text)));
        }
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        if side != Side::Public
            && let Some(answer) = self.administer(&method, &path).await
        {
            return self.unread(request, answer);
        }
        let answer = match (path.as_str(), &method) {
            _ if side == Side::Admin => plain(StatusCode::NOT_FOUND, "no such path"),
            ("/shep/sync", &Method::POST) => return self.message(request).await,
            ("/shep/sync", &Method::GET) => self.contract(request.uri().query().unwrap_or_default()),
            ("/shep/sync", _) => not_allowed("GET, POST"),
            ("/.well-known/jwks.json", &Method::GET) => self.keys(),
            ("/token-status", &Method::GET) => {
                let tags = request.headers().get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
                let (list, tags) = (status_list::asked_for(request.uri().query()), tags.map(str::to_owned));
                self.token_status(list, tags.as_deref()).await
            }
            ("/.well-known/jwks.json" | "/token-status", _) => not_allowed("GET"),
            _ => match &self.routes {
                Some(routes) => return self.elsewhere(&**routes, request, &method, &path).await,
                None => plain(StatusCode::NOT_FOUND, "no such path"),
            },
        };
        self.unread(request, answer)
    }

    /// Sends `answer` to a request whose body is not wanted. The body is read and forgotten meanwhile, so that the
    /// connection goes on: one that is closed over unread bytes is reset, and its peer may lose the answer.
    fn unread(&self, request: Request<Incoming>, answer: Answer) -> Answer {
        if request.headers().contains_key(EXPECT) {
            // The sender waits for leave to send, and does not get it.
            return closing(answer);
        }
        if !request.body().is_end_stream() {
            self.forget(request.into_body());
        }
        answer
    }

    fn forget(&self, body: Incoming) {
        tokio::spawn(drain(body, self.read_time()));
    }

    async fn administer(&self, method: &Method, path: &str) -> Option<Answer> {
        let known = matches!(path, "/health/live" | "/health/ready" | "/metrics");
        if known && *method != Method::GET {
            return Some(not_allowed("GET"));
        }
        match path {
            "/health/live" => Some(plain(StatusCode::OK, "live")),
            "/health/ready" => Some(self.ready().await),
            "/metrics" => {
                let text = self.app.metrics.text();
                let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
                Some(answer(StatusCode::OK, kind, text.into()))
            }
            _ => None,
        }
    }

    async fn ready(&self) -> Answer {
        let failing = if *self.draining.borrow() {
            Some("draining")
        } else if self.app.store.check().await.is_err() {
            Some("database")
        } else if let now = self.app.clock.now() / 1000
            && (self.app.registry().keys.current(now).is_err()
                || self.app.registry().keys.current_receipt(now).is_err())
        {
            Some("no signing key in its time")
        } else {
            None
        };
        match failing {
            None => plain(StatusCode::OK, "ready"),
            Some(cause) => plain(StatusCode::SERVICE_UNAVAILABLE, cause),
        }
    }

    fn contract(&self, query: &str) -> Answer {
        let document = match query.split_once('=') {
            Some((name, value)) if name.eq_ignore_ascii_case("xsd") => wsdl::xsd(value, &self.base_url),
            None if query.eq_ignore_ascii_case("wsdl") => Some(wsdl::wsdl(&self.base_url)),
            _ => None,
        };
        match document {
            Some(document) => answer(StatusCode::OK, XML, document.into()),
            None => plain(StatusCode::NOT_FOUND, "ask for ?wsdl or ?xsd=NAME, or POST a message"),
        }
    }

    fn keys(&self) -> Answer {
        match self.app.registry().keys.jwks(self.app.clock.now() / 1000) {
            Ok(keys) => {
                let mut answer = answer(StatusCode::OK, "application/jwk-set+json", keys.into());
                answer.headers_mut().insert(CACHE_CONTROL, const { value("public, max-age=300") });
                answer
            }
            Err(_) => plain(StatusCode::SERVICE_UNAVAILABLE, "no keys"),
        }
    }

    /// The signed status list (the draft of the IETF), for owners that must survive our being away.
    async fn token_status(&self, list: Option<u64>, tags: Option<&str>) -> Answer {
        let at = self.app.clock.now();
        let published = match list {
            None => Ok(None),
            Some(list) => {
                let (store, registry) = (&*self.app.store, self.app.registry());
                self.app.status.published(store, &registry, list, at).await
            }
        };
        match published {
            Ok(list) => {
                let listed = status_list::answer(list, tags, at);
                let status = StatusCode::from_u16(listed.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let mut answer = plain(status, "");
                *answer.body_mut() = Full::new(listed.body);
                answer.headers_mut().remove(CONTENT_TYPE);
                for (name, text) in listed.headers {
                    if let Ok(text) = HeaderValue::from_str(&text) {
                        answer.headers_mut().insert(name, text);
                    }
                }
                answer
            }
            Err(error) => {
                tracing::error!(%error, "the status list was not made");
                plain(StatusCode::SERVICE_UNAVAILABLE, "try again")
            }
        }
    }

    async fn elsewhere(
        &self,
        routes: &dyn Routes,
        request: Request<Incoming>,
        method: &Method,
        path: &str,
    ) -> Answer {
        match self.read(request.into_body()).await {
            Ok(message) => {
                let answer = routes.answer(method, path, message.bytes).await;
                answer.unwrap_or_else(|| plain(StatusCode::NOT_FOUND, "no such path"))
            }
            Err(_) => plain(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large or too slow"),
        }
    }

    /// A message of `SyncChannel`.
    async fn message(&self, request: Request<Incoming>) -> Answer {
        match content_type(&request) {
            Encoding::Other => {
                let text = "Content-Type must be text/xml; charset=utf-8";
                return self.unread(request, plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
            }
            Encoding::NotUtf8 => {
                let fault = Fault::format("the charset of Content-Type is not UTF-8");
                let answer = self.fault(fault, false).await;
                return self.unread(request, answer);
            }
            Encoding::Utf8 => {}
        }
        let announced = request.headers().get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok());
        if announced.is_some_and(|bytes: usize| bytes > self.app.limits().body_bytes) {
            let answer = self.fault(self.too_large(), true).await;
            return self.unread(request, answer);
        }
        let message = match self.read(request.into_body()).await {
            Ok(message) => message,
            Err(Unread::TooLarge(rest)) => {
                self.forget(rest);
                return self.fault(self.too_large(), true).await;
            }
            Err(Unread::NoRoom(rest)) => {
                self.app.metrics.shed.inc();
                self.forget(rest);
                return closing(self.overloaded("too many large messages at once"));
            }
            Err(Unread::TooSlow) => {
                return self.fault(Fault::format("the message did not arrive in time"), true).await;
            }
            Err(Unread::Broken) => {
                return self.fault(Fault::format("the message did not arrive whole"), true).await;
            }
        };
        // Only now, so that slow senders hold no place; and shed without touching the database, which is what is short.
        let limits = self.app.limits();
        let Some(_counted) = Counted::new(&self.app.metrics.in_flight, limits.in_flight) else {
            self.app.metrics.shed.inc();
            return self.overloaded("too many exchanges at once");
        };
        let limit = Duration::from_secs(limits.exchange_seconds);
        match tokio::time::timeout(limit, exchange(&self.app, &message.bytes)).await {
            Ok(response) => soap(response, false),
            Err(_elapsed) => self.overloaded("the exchange took too long; it may be repeated"),
        }
    }

    fn overloaded(&self, detail: &'static str) -> Answer {
        let fault = Fault::new(FaultCode::Overloaded, detail);
        soap(exchange::respond(&fault, None, self.app.clock.now()), false)
    }

    fn too_large(&self) -> Fault {
        let limit = self.app.limits().body_bytes;
        Fault::new(FaultCode::TooLarge, format!("the message is larger than {limit} bytes"))
    }

    async fn fault(&self, fault: Fault, close: bool) -> Answer {
        let at = self.app.clock.now();
        let decision = crate::random::Id::new(at, &*self.app.random).ok();
        soap(exchange::refuse(&self.app, fault, decision, at, Known::default()).await, close)
    }

    /// Reads a body within the limits of size, time and memory; one that came in one piece is not copied.
    async fn read(&self, mut body: Incoming) -> Result<Message<'_>, Unread> {
        let most = self.app.limits().body_bytes;
        let reading = async {
            let mut whole = BytesMut::new();
            let mut first: Option<Bytes> = None;
            let mut share: Option<SemaphorePermit<'_>> = None;
            loop {
                let Some(frame) = body.frame().await else { break };
                let Ok(data) = frame.map_err(|_| Unread::Broken)?.into_data() else { continue };
                let length = whole.len() + first.as_ref().map_or(0, Bytes::len) + data.len();
                if length > most {
                    return Err(Unread::TooLarge(body));
                }
                if length > SMALL && !self.take_share(&mut share, length) {
                    return Err(Unread::NoRoom(body));
                }
                match first.take() {
                    None if whole.is_empty() => first = Some(data),
                    None => whole.extend_from_slice(&data),
                    Some(before) => {
                        whole.extend_from_slice(&before);
                        whole.extend_from_slice(&data);
                    }
                }
            }
            Ok(Message { bytes: first.unwrap_or_else(|| whole.freeze()), _share: share })
        };
        tokio::time::timeout(self.read_time(), reading).await.unwrap_or(Err(Unread::TooSlow))
    }

    /// Widens a share of [`LARGE`] to `length` bytes; `false`: there is no room.
    fn take_share<'s>(&'s self, share: &mut Option<SemaphorePermit<'s>>, length: usize) -> bool {
        let held = share.as_ref().map_or(0, SemaphorePermit::num_permits);
        let missing = u32::try_from(length.div_ceil(1024).saturating_sub(held)).unwrap_or(u32::MAX);
        let Ok(more) = self.large.try_acquire_many(missing) else { return false };
        match share {
            None => *share = Some(more),
            Some(share) => share.merge(more),
        }
        true
    }
}

/// A body in memory, with its share of what large ones may take.
struct Message<'s> {
    bytes: Bytes,
    _share: Option<SemaphorePermit<'s>>,
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Counts an exchange while it runs, also when its caller goes away.
struct Counted<'g>(&'g Gauge);

impl<'g> Counted<'g> {
    /// `None`: as many as `most` run already.
    fn new(gauge: &'g Gauge, most: usize) -> Option<Self> {
        let before = gauge.inc();
        let counted = Self(gauge);
        usize::try_from(before).is_ok_and(|before| before < most).then_some(counted)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Why a body was not read.
enum Unread {
    TooLarge(Incoming),
    NoRoom(Incoming),
    TooSlow,
    Broken,
}

/// Reads and forgets at most [`DRAIN_BYTES`] of `body`.
async fn drain(mut body: Incoming, time: Duration) {
    let reading = async {
        let mut read = 0;
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, Bytes::len);
            if read > DRAIN_BYTES {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(time, reading).await;
}

/// How long a header is on the wire, roughly: hyper bounds what it buffers, which may be twice of what it is told.
fn header_bytes(request: &Request<Incoming>) -> usize {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    let fields = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    target + fields.sum::<usize>()
}

enum Encoding {
    Utf8,
    NotUtf8,
    Other,
}

/// `text/xml`, `application/xml`, even `text/plain` (seen), in UTF-8.
fn content_type(request: &Request<Incoming>) -> Encoding {
    let header = request.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let mut parts = header.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
    if !matches!(kind.as_str(), "text/xml" | "application/xml" | "text/plain") {
        return Encoding::Other;
    }
    let charset = parts.find_map(|p| {
        let (name, value) = p.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("charset")
            .then(|| value.trim().trim_matches('"').to_ascii_lowercase())
    });
    match charset.as_deref() {
        None | Some("utf-8" | "utf8" | "us-ascii") => Encoding::Utf8,
        Some(_) => Encoding::NotUtf8,
    }
}

const XML: &str = "text/xml; charset=utf-8";

const fn value(text: &'static str) -> hyper::header::HeaderValue {
    hyper::header::HeaderValue::from_static(text)
}

/// A response with this type and body.
#[must_use]
pub fn answer(status: StatusCode, kind: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, value(kind));
    answer
}

fn plain(status: StatusCode, text: &'static str) -> Answer {
    answer(status, "text/plain; charset=utf-8", Bytes::from_static(text.as_bytes()))
}

fn not_allowed(methods: &'static str) -> Answer {
    let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED, "method not allowed");
    answer.headers_mut().insert(ALLOW, value(methods));
    answer
}

fn soap(response: exchange::Response, close: bool) -> Answer {
    let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = answer(status, XML, response.body.into());
    if status == StatusCode::SERVICE_UNAVAILABLE {
        answer.headers_mut().insert(RETRY_AFTER, const { value("1") });
    }
    if close { closing(answer) } else { answer }
}

/// The last answer on its connection.
fn closing(mut answer: Answer) -> Answer {
    answer.headers_mut().insert(CONNECTION, const { value("close") });
    answer
}
