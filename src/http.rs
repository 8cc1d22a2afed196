//! Listeners, TLS, limits, routes and drain: the only place that knows hyper's server. [`crate::admission`] says who is let
//! in when more comes than can be done.

mod answer;
mod body;
mod content;
mod crowd;
mod descriptor;
mod health;
mod kannel;
mod message;
mod publish;
mod stream;

use crate::admission::{Claims, Gate, Noise, Spot, network};
use crate::app::App;
use crate::exchange::Channel;
use crate::guard::guarded;
use crate::token::status_list;
pub use answer::{Answer, answer, is_loopback};
use answer::{closing, not_allowed, plain};
use body::{LARGE, drain, header_bytes};
use bytes::Bytes;
pub use content::Content;
use crowd::{Crowd, Guest};
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_LENGTH, EXPECT, IF_NONE_MATCH, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use stream::Prompt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::{LazyConfigAcceptor, TlsAcceptor, rustls};

/// How long a connection may bring another request after the end was announced.
const LAST_REQUEST: Duration = Duration::from_millis(500);
/// Most connections that are taken from the queue of the operating system at the end.
const BACKLOG: usize = 4096;
/// How often one record tells of the refusals that have none of their own.
const MINUTE: Duration = Duration::from_mins(1);
/// How long nothing is accepted after the operating system had no more to give.
const PAUSE: Duration = Duration::from_millis(50);

/// Routes beside the service's own, such as the sandbox's.
pub trait Routes: Send + Sync {
    /// Answers the request, or `None` when it has no such route. The body is at most as large as a message.
    fn answer<'a>(
        &'a self,
        head: &'a Parts,
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
    gate: Arc<Gate>,
    claims: Claims,
    noise: Noise,
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
        Arc::new(Self {
            app,
            routes,
            base_url,
            draining,
            large: Semaphore::new(LARGE),
            gate: Gate::of_this_machine(),
            claims: Claims::default(),
            noise: Noise::default(),
        })
    }

    /// Accepts connections until told to stop, then lets running exchanges end.
    pub async fn listen(self: Arc<Self>, listener: TcpListener, door: Door) {
        let (crowd, allowed) = (Arc::new(Crowd::default()), descriptor::for_connections());
        let mut connections = JoinSet::new();
        let mut stop = door.stop.clone();
        let mut is_short = false;
        let mut minute = tokio::time::interval_at(tokio::time::Instant::now() + MINUTE, MINUTE);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = stopped(&mut stop) => break,
                _ = minute.tick(), if door.side != Side::Admin => {
                    connections.spawn(self.clone().tell_noise());
                    continue;
                }
            };
            while connections.try_join_next().is_some() {}
            match accepted {
                Ok(accepted) => {
                    if std::mem::take(&mut is_short) {
                        tracing::warn!("connections are accepted again");
                    }
                    let most = self.app.limits().connections.min(allowed);
                    match crowd.admit(network(accepted.1.ip()), most) {
                        Some(guest) => {
                            connections.spawn(self.clone().meet(accepted, guest, door.clone()));
                        }
                        None => {
                            self.app.metrics.turned_away.inc();
                        }
                    }
                }
                // It was gone before it was accepted.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    // Out of descriptors: those that serve now will give some back.
                    self.app.metrics.unaccepted.inc();
                    if !std::mem::replace(&mut is_short, true) {
                        tracing::error!(%error, "connections cannot be accepted");
                    }
                    crowd.make_room();
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        // Who has connected before the end is served too.
        for _ in 0..BACKLOG {
            let accepted = tokio::select! {
                biased;
                accepted = listener.accept() => accepted,
                () = std::future::ready(()) => break,
            };
            if let Ok(accepted) = accepted
                && let Some(guest) = crowd.admit(network(accepted.1.ip()), usize::MAX)
            {
                connections.spawn(self.clone().meet(accepted, guest, door.clone()));
            }
        }
        drop(listener);
        let drain = Duration::from_secs(self.app.limits().drain_seconds);
        let ended = tokio::time::timeout(drain, async { while connections.join_next().await.is_some() {} });
        if ended.await.is_err() {
            tracing::warn!("exchanges were cut off at the end of the drain time");
        }
        self.tell_noise().await;
    }

    /// Whether there is a channel to which answers can be given later.
    fn is_asynchronous(&self) -> bool {
        !self.app.config.shep.async_url.is_empty()
    }

    fn read_time(&self) -> Duration {
        Duration::from_secs(self.app.limits().read_seconds)
    }

    async fn meet(self: Arc<Self>, (stream, _): (TcpStream, SocketAddr), guest: Guest, door: Door) {
        let _ = stream.set_nodelay(true);
        let tls = door.tls.borrow().clone();
        let serve = async {
            match tls {
                None => self.serve(stream, &guest, door).await,
                Some(tls) => {
                    let handshake = Box::pin(self.shake_hands(&tls, stream, &guest));
                    if let Ok(Some(stream)) = tokio::time::timeout(self.read_time(), handshake).await {
                        Box::pin(self.serve(stream, &guest, door)).await;
                    }
                }
            }
        };
        tokio::select! {
            () = serve => {}
            () = guest.told_to_leave() => {
                self.app.metrics.dismissed.inc();
            }
        }
    }

    /// The part of a handshake that computes stands in the same queue as messages, among the strangers of its address.
    async fn shake_hands(
        &self,
        tls: &TlsAcceptor,
        stream: TcpStream,
        guest: &Guest,
    ) -> Option<tokio_rustls::server::TlsStream<TcpStream>> {
        let hello = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await.ok()?;
        let place = self.gate.enter(self.app.limits().queue, || Spot::stranger(guest.address)).await;
        let Some(place) = place else {
            self.app.metrics.shed.inc();
            return None;
        };
        place.stretch(hello.into_stream(tls.config().clone())).await.ok()
    }

    async fn serve(
        self: &Arc<Self>,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        guest: &Guest,
        door: Door,
    ) {
        let Door { side, mut stop, .. } = door;
        let stopping = stop.clone();
        let service = service_fn(|request: Request<Incoming>| {
            let (server, stopping) = (self, &stopping);
            async move {
                // Where somebody before us may have seen another end of the message, what follows is nobody's request
                // (RFC 9112, 6.3): behind chunks, beside which hyper has dropped any length, and behind a message
                // without a length, whose header a bare line feed may have ended.
                let length = request.headers().contains_key(CONTENT_LENGTH);
                let chunks = request.headers().contains_key(TRANSFER_ENCODING);
                let last = chunks || (!length && *request.method() == Method::POST);
                let answer = server.attend(request, side, guest).await;
                Ok::<_, Infallible>(if last || *stopping.borrow() { closing(answer) } else { answer })
            }
        });
        let limits = self.app.limits();
        let stream = Prompt::new(stream, Duration::from_secs(limits.exchange_seconds));
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.read_time())
            .max_buf_size(limits.header_bytes)
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

    /// Answers a request, whatever happens.
    async fn attend(&self, request: Request<Incoming>, side: Side, guest: &Guest) -> Answer {
        guest.waits();
        // In a box, so that a connection that waits for a request does not hold room for the work on one.
        let answer = guarded(&self.app.metrics, Box::pin(self.route(request, side, guest))).await;
        guest.waits();
        answer.unwrap_or_else(|_| {
            closing(plain(StatusCode::INTERNAL_SERVER_ERROR, "the request was not processed"))
        })
    }

    async fn route(&self, request: Request<Incoming>, side: Side, guest: &Guest) -> Answer {
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
            ("/shep/sync", &Method::POST) => return self.message(Channel::Sync, request, guest).await,
            ("/shep/sync", &Method::GET) => {
                self.contract(Channel::Sync, request.uri().query().unwrap_or_default())
            }
            ("/shep/async", &Method::POST) if self.is_asynchronous() => {
                return self.message(Channel::Async, request, guest).await;
            }
            ("/shep/async", &Method::GET) if self.is_asynchronous() => {
                self.contract(Channel::Async, request.uri().query().unwrap_or_default())
            }
            ("/shep/sync", _) => not_allowed("GET, POST"),
            ("/shep/async", _) if self.is_asynchronous() => not_allowed("GET, POST"),
            (kannel::REPORT | kannel::INCOMING, _) => return self.kannel(request, guest).await,
            ("/.well-known/jwks.json", &Method::GET) => self.keys(),
            ("/token-status", &Method::GET) => {
                let tags = request.headers().get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
                let (list, tags) = (status_list::asked_for(request.uri().query()), tags.map(str::to_owned));
                self.token_status(list, tags.as_deref()).await
            }
            ("/.well-known/jwks.json" | "/token-status", _) => not_allowed("GET"),
            _ => match &self.routes {
                Some(routes) => return self.elsewhere(&**routes, request).await,
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

    async fn elsewhere(&self, routes: &dyn Routes, request: Request<Incoming>) -> Answer {
        let (head, body) = request.into_parts();
        match self.read(body).await {
            Ok(message) => {
                let answer = routes.answer(&head, message.bytes).await;
                answer.unwrap_or_else(|| plain(StatusCode::NOT_FOUND, "no such path"))
            }
            Err(_) => plain(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large or too slow"),
        }
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
