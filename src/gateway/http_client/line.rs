//! A connection, and those that are kept for the next question.

use super::HttpError;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::io::{IoSlice, Result as IoResult};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// For how long an idle connection is worth trying: what stands between forgets it sooner or later without a word.
const WORTH_TRYING: Duration = Duration::from_secs(20);

/// Where a connection leads: scheme and authority.
pub(super) type Place = (String, String);

/// A connection to a server, on which one question follows the other.
pub(super) struct Line {
    sender: SendRequest<Full<Bytes>>,
    task: JoinHandle<Result<(), hyper::Error>>,
    /// Whether the server said anything since the last question.
    heard: Arc<AtomicBool>,
}

/// Why a question got no answer.
pub(super) enum Lost {
    /// The connection ended without a word.
    Unheard,
    /// It ended within an answer, or what came is none.
    Broken,
}

impl Drop for Line {
    /// The task that moves the bytes ends with the connection.
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Line {
    /// Speaks HTTP/1.1 over `stream`.
    ///
    /// # Errors
    /// [`HttpError::Broken`].
    pub(super) async fn open<S>(stream: S) -> Result<Self, HttpError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let heard = Arc::new(AtomicBool::new(false));
        let stream = Listening { stream, heard: heard.clone() };
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|_| HttpError::Broken)?;
        Ok(Self { sender, task: tokio::spawn(connection), heard })
    }

    /// Asks; the answer's body is not read yet.
    ///
    /// # Errors
    /// [`Lost`].
    pub(super) async fn ask(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Lost> {
        self.heard.store(false, Ordering::Release);
        let answer = self.sender.send_request(request).await;
        answer.map_err(|_| if self.heard.load(Ordering::Acquire) { Lost::Broken } else { Lost::Unheard })
    }
}

/// Idle connections, the one used last at the end.
pub(super) struct Kept {
    most: usize,
    idle: Mutex<Vec<(Place, Instant, Line)>>,
}

impl Kept {
    /// Keeps `most` of them.
    pub(super) fn new(most: usize) -> Self {
        Self { most, idle: Mutex::default() }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Place, Instant, Line)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection to `place` that was used last and seems to be open.
    pub(super) async fn take(&self, place: &Place) -> Option<Line> {
        loop {
            let mut line = {
                let mut idle = self.idle();
                let now = Instant::now();
                idle.retain(|(_, since, line)| {
                    !line.sender.is_closed() && now.duration_since(*since) < WORTH_TRYING
                });
                let last = idle.iter().rposition(|(to, ..)| to == place)?;
                idle.remove(last).2
            };
            // Its last answer was read to the end: it is ready at once, or closed.
            if line.sender.ready().await.is_ok() {
                return Some(line);
            }
        }
    }

    /// Keeps a connection whose answer was read to its end; one too many is closed.
    pub(super) fn put(&self, place: Place, line: Line) {
        let mut idle = self.idle();
        if idle.len() < self.most && !line.sender.is_closed() {
            idle.push((place, Instant::now(), line));
        }
    }
}

/// While a kept connection is tried: if it comes to nothing, the others are as old, and are closed too.
pub(super) struct Doubt<'k>(Option<&'k Kept>);

impl<'k> Doubt<'k> {
    /// Begins to doubt.
    pub(super) fn new(kept: &'k Kept) -> Self {
        Self(Some(kept))
    }

    /// It was answered.
    pub(super) fn dispel(mut self) {
        self.0 = None;
    }
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        if let Some(kept) = self.0 {
            kept.idle().clear();
        }
    }
}

/// A stream that notes when something was read from it.
struct Listening<S> {
    stream: S,
    heard: Arc<AtomicBool>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Listening<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<IoResult<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
        if buffer.filled().len() > before {
            self.heard.store(true, Ordering::Release);
        }
        Poll::Ready(read)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Listening<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<IoResult<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<IoResult<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<IoResult<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<IoResult<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
