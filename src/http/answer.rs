//! Responses, as they are made here.

use super::content::Content;
use crate::exchange;
use bytes::Bytes;
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use std::net::IpAddr;

/// A response of ours.
pub type Answer = Response<Content>;

pub(super) const XML: &str = "text/xml; charset=utf-8";

pub(super) const fn value(text: &'static str) -> HeaderValue {
    HeaderValue::from_static(text)
}

/// Whether `authority`, a host with or without a port, is this machine's loopback.
#[must_use]
pub fn is_loopback(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !host.ends_with(':') => host,
        _ => authority,
    };
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// A response with this type and body.
#[must_use]
pub fn answer(status: StatusCode, kind: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::new(Content::from(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, value(kind));
    answer
}

pub(super) fn plain(status: StatusCode, text: &'static str) -> Answer {
    answer(status, "text/plain; charset=utf-8", Bytes::from_static(text.as_bytes()))
}

pub(super) fn not_allowed(methods: &'static str) -> Answer {
    let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED, "method not allowed");
    answer.headers_mut().insert(ALLOW, value(methods));
    answer
}

/// An envelope; what may pass later says when.
pub(super) fn soap(response: exchange::Response) -> Answer {
    let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = answer(status, XML, response.body.into());
    if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
        answer.headers_mut().insert(RETRY_AFTER, const { value("1") });
    }
    answer
}

/// The last answer on its connection.
pub(super) fn closing(mut answer: Answer) -> Answer {
    answer.headers_mut().insert(CONNECTION, const { value("close") });
    answer
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn only_this_machine_is_loopback() {
        for host in [
            "127.0.0.1",
            "127.8.9.1",
            "127.0.0.1:8414",
            "[::1]",
            "[::1]:8414",
            "::1",
            "localhost",
            "LocalHost:1",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            ":8414",
            "10.0.0.1",
            "example.kz",
            "localhost.example.kz",
            "[::2]",
            "127.0.0.1.example.kz",
            "127.0.0.1.example.kz:8414",
            "[127.0.0.1",
            "localhost:8414:1",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
