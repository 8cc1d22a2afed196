//! Reading what is sent, within limits of size, time and memory.

use super::Server;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::Request;
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use std::time::Duration;
use tokio::sync::SemaphorePermit;

/// How much of a body that is too large is read, so that its sender can read the answer.
const DRAIN_BYTES: usize = 4 << 20;
/// What a message may take of memory while it arrives, bytes. Larger ones share [`LARGE`].
const SMALL: usize = 64 << 10;
/// What larger messages take together at most, KiB: else slow senders of large messages would fill the memory.
pub(super) const LARGE: usize = 256 << 10;

/// A body in memory, with its share of what large ones may take.
pub(super) struct Message<'s> {
    pub bytes: Bytes,
    _share: Option<SemaphorePermit<'s>>,
}

/// Why a body was not read.
pub(super) enum Unread {
    TooLarge(Incoming),
    NoRoom(Incoming),
    TooSlow,
    Broken,
}

impl Server {
    /// Reads a body; one that came in one piece is not copied.
    pub(super) async fn read(&self, mut body: Incoming) -> Result<Message<'_>, Unread> {
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

/// Reads and forgets at most [`DRAIN_BYTES`] of `body`.
pub(super) async fn drain(mut body: Incoming, time: Duration) {
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
pub(super) fn header_bytes(request: &Request<Incoming>) -> usize {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    let fields = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    target + fields.sum::<usize>()
}

pub(super) enum Encoding {
    Utf8,
    NotUtf8,
    Other,
}

/// `text/xml`, `application/xml`, even `text/plain` (seen), in UTF-8.
pub(super) fn content_type(request: &Request<Incoming>) -> Encoding {
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
