//! The sandbox for people: a page with the phones, the clock, the requests with their checks, the tokens, the applications
//! for revocation and the ten answers. It has no part outside of this binary, and shows test data alone.

mod call;
mod decision;
mod review;
mod testing;
mod word;

use super::Sandbox;
use super::route::Outcome;
use crate::http::{Answer, answer};
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, StatusCode};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Where the page is.
const ADDRESS: &str = "/sandbox/page";

/// The files of the page: what follows [`ADDRESS`], their type, what they hold.
const FILES: [(&str, &str, &str); 7] = [
    ("", "text/html; charset=utf-8", include_str!("page/index.html")),
    ("/page.css", "text/css; charset=utf-8", include_str!("page/page.css")),
    ("/page.js", "text/javascript; charset=utf-8", include_str!("page/page.js")),
    ("/element.js", "text/javascript; charset=utf-8", include_str!("page/element.js")),
    ("/view.js", "text/javascript; charset=utf-8", include_str!("page/view.js")),
    ("/text.js", "text/javascript; charset=utf-8", include_str!("page/text.js")),
    ("/icon.svg", "image/svg+xml", include_str!("page/icon.svg")),
];

/// What a browser is told about each of them: nothing comes from elsewhere, nothing runs that stands in the page itself,
/// nobody frames it.
const HEADERS: [(HeaderName, &str); 4] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (CACHE_CONTROL, "no-cache"),
];

/// A file of the page; `None`: `path` is none of them.
pub fn file(method: &Method, path: &str) -> Option<Answer> {
    if *method != Method::GET {
        return None;
    }
    let name = path.strip_prefix(ADDRESS)?.trim_end_matches('/');
    let (_, kind, text) = FILES.into_iter().find(|(known, ..)| *known == name)?;
    let mut file = answer(StatusCode::OK, kind, text.into());
    for (name, value) in HEADERS {
        file.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Some(file)
}

impl Sandbox {
    /// What the page asks for; `None`: it is none of that. `path` is what follows `/sandbox`.
    pub(super) async fn shown(&self, method: &Method, path: &str, body: &[u8]) -> Option<Outcome> {
        Some(match (method, path) {
            (&Method::GET, "/phones") => Ok(self.phones()),
            (&Method::GET, "/words") => Ok(word::all()),
            (&Method::GET, "/requests") => self.requests().await,
            (&Method::GET, "/applications") => self.applications().await,
            (&Method::GET, "/answers") => self.ten_answers().await,
            (&Method::POST, "/send") => self.send(body).await,
            _ => return None,
        })
    }

    /// What each phone received, by its number.
    fn phones(&self) -> Value {
        let numbers: BTreeSet<&str> =
            self.world.subjects.iter().filter_map(|one| one.msisdn.as_deref()).collect();
        let phones: Map<String, Value> =
            numbers.into_iter().map(|number| (number.to_owned(), self.received(number))).collect();
        json!(phones)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_of_the_page_names_anything_outside_or_runs_text() {
        for (name, _, text) in FILES {
            for outside in
                ["https://", "//cdn", "@import", "innerHTML", "outerHTML", "insertAdjacent", "eval("]
            {
                assert!(!text.contains(outside), "{name} holds {outside}");
            }
            let addresses = text.matches("http://").count();
            let namespaces = text.matches("http://www.w3.org/2000/svg").count();
            assert_eq!(addresses, namespaces, "{name} names an address");
        }
        let (_, _, page) = FILES[0];
        assert!(!page.contains("<script>") && !page.contains(" style=") && !page.contains(" onclick="));
    }

    #[test]
    fn every_file_is_served_under_the_policy() {
        for (name, ..) in FILES {
            let file = file(&Method::GET, &format!("{ADDRESS}{name}")).unwrap();
            let policy = file.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{name}");
            assert!(!policy.contains("unsafe"), "{name}");
        }
        assert!(file(&Method::GET, "/sandbox/page/../route.rs").is_none());
        assert!(file(&Method::POST, ADDRESS).is_none());
    }
}
