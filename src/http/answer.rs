//! Responses, as they are made here.

use super::content::Content;
use crate::exchange;
use bytes::Bytes;
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};

/// A response of ours.
pub type Answer = Response<Content>;

pub(super) const XML: &str = "text/xml; charset=utf-8";

pub(super) const fn value(text: &'static str) -> HeaderValue {
    HeaderValue::from_static(text)
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
