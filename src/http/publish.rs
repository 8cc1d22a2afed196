//! What anybody may read: the contract, the keys, the token status list.

use super::Server;
use super::answer::{Answer, XML, answer, plain, value};
use crate::exchange::Channel;
use crate::soap::wsdl;
use crate::token::status_list;
use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};

impl Server {
    pub(super) fn contract(&self, channel: Channel, query: &str) -> Answer {
        let (contract, base_url) = match channel {
            Channel::Sync => (wsdl::SYNC, self.base_url.clone()),
            Channel::Async => (wsdl::ASYNC, self.asynchronous_url()),
        };
        let document = match query.split_once('=') {
            Some((name, value)) if name.eq_ignore_ascii_case("xsd") => contract.xsd(value, &base_url),
            None if query.eq_ignore_ascii_case("wsdl") => Some(contract.wsdl(&base_url)),
            _ => None,
        };
        match document {
            Some(document) => answer(StatusCode::OK, XML, document.into()),
            None => plain(StatusCode::NOT_FOUND, "ask for ?wsdl or ?xsd=NAME, or POST a message"),
        }
    }

    /// Beside the address of `SyncChannel`.
    fn asynchronous_url(&self) -> String {
        match self.base_url.strip_suffix("/sync") {
            Some(base) => format!("{base}/async"),
            None => self.base_url.clone(),
        }
    }

    pub(super) fn keys(&self) -> Answer {
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
    pub(super) async fn token_status(&self, list: Option<u64>, tags: Option<&str>) -> Answer {
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
                *answer.body_mut() = listed.body.into();
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
}
