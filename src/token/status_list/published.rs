//! The status lists of a running service, and how they are answered over HTTP.
//!
//! Changes of standing go in one by one, at any time; a list is encoded and signed when it is asked for, at most
//! once in its `ttl`, and not at all while nothing changed and its signed form stays valid for one `ttl` more.
//! Times of calls are Unix milliseconds.

use super::{PER_LIST, Standing, StatusList, TYPE, Term};
use crate::token::security::{Status, StatusReference};
use crate::trust::sign::{SignError, Signer};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use ring::digest::{SHA256, digest};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// For how long an owner that cannot reach the service may go by its last copy, seconds; or two `ttl`, if that is
/// longer.
const LIFETIME: i64 = 86_400;

/// A signed list as it is answered, until another takes its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The compact JWT.
    pub body: Bytes,
    /// Strong entity tag (RFC 9110, 8.8.3) of the body, with its quotes.
    pub etag: String,
    /// When it was encoded and signed, Unix milliseconds.
    pub encoded_at: i64,
    term: Term,
    kid: String,
}

/// All lists, by number.
pub struct StatusLists {
    base: String,
    ttl: i64,
    state: RwLock<State>,
}

struct State {
    /// How many lists there are.
    lists: u64,
    /// Those that have been written to or asked for.
    slots: BTreeMap<u64, Arc<Slot>>,
}

#[derive(Default)]
struct Slot {
    entries: Mutex<Entries>,
    /// Held while it is made anew: whoever asks meanwhile waits for it, a millisecond.
    published: Mutex<Option<Published>>,
}

#[derive(Default)]
struct Entries {
    list: StatusList,
    /// Whether it differs from what was encoded last.
    changed: bool,
}

impl StatusLists {
    /// No tokens yet: list 0 is there, and all valid. It is published at `base`, list k at `base?list=k`.
    ///
    /// `ttl`, seconds and at least one, is how old a copy may grow before a fresh one should be fetched, and the
    /// shortest time between two encodings of a list.
    #[must_use]
    pub fn new(base: impl Into<String>, ttl: i64) -> Self {
        let state = RwLock::new(State { lists: 1, slots: BTreeMap::new() });
        Self { base: base.into(), ttl: ttl.max(1), state }
    }

    /// The `status` claim of token `index`, counted from 0 through all lists.
    #[must_use]
    pub fn claim(&self, index: u64) -> Status {
        let reference = StatusReference { idx: index % PER_LIST, uri: self.uri(index / PER_LIST) };
        Status { status_list: reference }
    }

    /// Token `index` was issued, or may be: its list is there from now on.
    pub fn extend(&self, index: u64) {
        let lists = index / PER_LIST + 1;
        // Once in a million tokens it is more: no need to stop the readers for each.
        if self.state.read().unwrap_or_else(PoisonError::into_inner).lists < lists {
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            state.lists = state.lists.max(lists);
        }
    }

    /// The standing of token `index` is this from now on.
    pub fn apply(&self, index: u64, standing: Standing) {
        self.extend(index);
        if let Some(slot) = self.slot(index / PER_LIST) {
            let mut entries = lock(&slot.entries);
            entries.changed |= entries.list.set(index % PER_LIST, standing);
        }
    }

    /// Whether a list would take up its changes at `at`: the time to read them from where they are kept, so that
    /// what is published is never older than a `ttl`.
    #[must_use]
    pub fn due(&self, list: u64, at: i64) -> bool {
        let slot = self.slot(list);
        slot.is_none_or(|slot| lock(&slot.published).as_ref().is_none_or(|published| !published.is_young(at)))
    }

    /// The signed form of a list as of `at`; `None` while there is no such list. `signer`, published as `kid`, is the
    /// key that signs tokens now: by another than before the list is signed anew, since that may be distrusted.
    ///
    /// # Errors
    /// [`SignError`] when the list could not be signed; the next call tries again.
    pub fn published(
        &self,
        list: u64,
        at: i64,
        signer: &dyn Signer,
        kid: &str,
    ) -> Result<Option<Published>, SignError> {
        let Some(slot) = self.slot(list) else { return Ok(None) };
        let mut published = lock(&slot.published);
        let mut entries = lock(&slot.entries);
        if let Some(published) = &*published
            && published.kid == kid
            && published.serves(at, entries.changed)
        {
            return Ok(Some(published.clone()));
        }
        // Others may change entries while this is compressed.
        let copy = entries.list.clone();
        entries.changed = false;
        drop(entries);
        match self.encode(&copy, list, at, signer, kid) {
            Ok(made) => Ok(Some(published.insert(made).clone())),
            Err(error) => {
                lock(&slot.entries).changed = true;
                Err(error)
            }
        }
    }

    fn encode(
        &self,
        entries: &StatusList,
        list: u64,
        at: i64,
        signer: &dyn Signer,
        kid: &str,
    ) -> Result<Published, SignError> {
        let iat = at.div_euclid(1000);
        let lifetime = LIFETIME.max(self.ttl.saturating_mul(2));
        let term = Term { iat, exp: iat.saturating_add(lifetime), ttl: self.ttl };
        let body = entries.token(&self.uri(list), term, signer, kid)?;
        let tag = URL_SAFE_NO_PAD.encode(digest(&SHA256, body.as_bytes()));
        let (etag, kid) = (format!("\"{tag}\""), kid.to_owned());
        Ok(Published { body: body.into(), etag, encoded_at: at, term, kid })
    }

    fn uri(&self, list: u64) -> String {
        if list == 0 { self.base.clone() } else { format!("{}?list={list}", self.base) }
    }

    fn slot(&self, list: u64) -> Option<Arc<Slot>> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if list >= state.lists {
            return None;
        }
        let known = state.slots.get(&list).cloned();
        drop(state);
        Some(known.unwrap_or_else(|| {
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(state.slots.entry(list).or_default())
        }))
    }
}

impl Published {
    /// For how long a copy taken at `at` is fresh, seconds: until the list may be encoded anew; when it could have
    /// been, but nothing had changed, for a whole `ttl`.
    #[must_use]
    pub fn max_age(&self, at: i64) -> i64 {
        let age = at.saturating_sub(self.encoded_at);
        if self.is_young(at) { self.term.ttl - age.div_euclid(1000) } else { self.term.ttl }
    }

    /// Whether less than a `ttl` has passed. A clock that was set back leaves it issued in the future.
    fn is_young(&self, at: i64) -> bool {
        (0..self.term.ttl.saturating_mul(1000)).contains(&at.saturating_sub(self.encoded_at))
    }

    /// Whether it may be answered at `at`: it stays valid for a `ttl`, and tells all or is young.
    fn serves(&self, at: i64, changed: bool) -> bool {
        let end = self.term.exp.saturating_sub(self.term.ttl).saturating_mul(1000);
        (self.encoded_at..=end).contains(&at) && (!changed || self.is_young(at))
    }
}

/// What HTTP answers.
#[derive(Debug, PartialEq, Eq)]
pub struct Reply {
    /// 200, 304 or 404.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// Empty but for 200.
    pub body: Bytes,
}

/// The number of the list that a query string asks for: none is list 0, `list=K` list K from 1 on. `None` for
/// anything else, so that a list has one address, which is its `sub`.
#[must_use]
pub fn asked_for(query: Option<&str>) -> Option<u64> {
    let Some(query) = query else { return Some(0) };
    let number = query.strip_prefix("list=")?;
    let canonical = number.bytes().all(|b| b.is_ascii_digit()) && !number.starts_with('0');
    if canonical { number.parse().ok() } else { None }
}

/// The answer to a GET at `at` with this `If-None-Match` (RFC 9110, 13.1.2). A list that is not there may be there at
/// any moment, and is not to be cached as missing.
#[must_use]
pub fn answer(list: Option<Published>, if_none_match: Option<&str>, at: i64) -> Reply {
    let Some(list) = list else {
        let headers = vec![("cache-control", "no-store".to_owned())];
        return Reply { status: 404, headers, body: Bytes::new() };
    };
    let fresh = ("cache-control", format!("public, max-age={}", list.max_age(at)));
    if if_none_match.is_some_and(|tags| names(tags, &list.etag)) {
        return Reply { status: 304, headers: vec![fresh, ("etag", list.etag)], body: Bytes::new() };
    }
    let kind = ("content-type", format!("application/{TYPE}"));
    Reply { status: 200, headers: vec![kind, fresh, ("etag", list.etag)], body: list.body }
}

/// Whether one of the tags is this one, a weak one counted too. Ours have no comma in them.
fn names(tags: &str, etag: &str) -> bool {
    let mut tags = tags.split(',').map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::sample;
    use crate::trust::sign::{RsaSigner, SignatureAlgorithm};
    use std::collections::HashMap;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    const SECOND: i64 = 1_000;
    const NOW: i64 = 1_790_000_000 * SECOND + 321;
    const TTL: i64 = 300 * SECOND;
    const BASE: &str = "https://kdp.example/token-status";

    /// Signs by one of the keys of the tests, counts, and fails when told to.
    struct Counting {
        signer: &'static RsaSigner,
        count: AtomicUsize,
        fails: AtomicBool,
    }

    impl Counting {
        fn new(signer: &'static RsaSigner) -> Self {
            Self { signer, count: AtomicUsize::new(0), fails: AtomicBool::new(false) }
        }
    }

    impl Signer for Counting {
        fn algorithm(&self) -> SignatureAlgorithm {
            self.signer.algorithm()
        }

        fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
            if self.fails.load(Ordering::SeqCst) {
                return Err(SignError::Failed);
            }
            self.count.fetch_add(1, Ordering::SeqCst);
            self.signer.sign(message)
        }

        fn public_key_spki(&self) -> &[u8] {
            self.signer.public_key_spki()
        }
    }

    struct Bench {
        lists: StatusLists,
        signer: Counting,
    }

    impl Bench {
        fn new() -> Self {
            Self { lists: StatusLists::new(BASE, 300), signer: Counting::new(sample::signer()) }
        }

        fn list(&self, list: u64, at: i64) -> Option<Published> {
            self.lists.published(list, at, &self.signer, "k1").unwrap()
        }

        fn at(&self, at: i64) -> Published {
            self.list(0, at).unwrap()
        }

        fn encoded(&self) -> usize {
            self.signer.count.load(Ordering::SeqCst)
        }
    }

    /// The claims, and the entries.
    fn read(published: &Published) -> (serde_json::Value, StatusList) {
        let payload = published.body.split(|byte| *byte == b'.').nth(1).unwrap();
        let claims: serde_json::Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
        let lst = URL_SAFE_NO_PAD.decode(claims["status_list"]["lst"].as_str().unwrap()).unwrap();
        let bytes = miniz_oxide::inflate::decompress_to_vec_zlib(&lst).map_err(|error| error.status);
        (claims, StatusList { bytes: bytes.unwrap() })
    }

    fn says(published: &Published, idx: u64) -> Standing {
        read(published).1.get(idx).unwrap()
    }

    #[test]
    fn a_list_is_encoded_at_most_once_in_its_ttl() {
        let bench = Bench::new();
        assert!(bench.lists.due(0, NOW));
        let first = bench.at(NOW);
        for (index, at) in (0..).zip((NOW..NOW + TTL).step_by(997)) {
            bench.lists.apply(index, Standing::Invalid);
            assert!(!bench.lists.due(0, at));
            assert_eq!(bench.at(at), first);
        }
        assert_eq!(bench.encoded(), 1);
        assert!(bench.lists.due(0, NOW + TTL));
        let second = bench.at(NOW + TTL);
        assert_eq!((bench.encoded(), second.encoded_at), (2, NOW + TTL));
        assert_eq!((says(&first, 7), says(&second, 7)), (Standing::Valid, Standing::Invalid));
    }

    #[test]
    fn an_unchanged_list_is_encoded_anew_only_when_its_end_comes_near() {
        let bench = Bench::new();
        bench.lists.apply(5, Standing::Suspended);
        let first = bench.at(NOW);
        bench.lists.apply(5, Standing::Suspended);
        bench.lists.extend(6);
        let claims = read(&first).0;
        let end = claims["exp"].as_i64().unwrap() * SECOND;
        assert_eq!(claims["iat"].as_i64(), Some(NOW / SECOND));
        assert_eq!(end, (NOW / SECOND + 86_400) * SECOND);
        for at in [NOW + TTL, NOW + 2 * TTL, end - TTL] {
            assert!(bench.lists.due(0, at), "a change would be taken up");
            assert_eq!(bench.at(at), first);
        }
        let second = bench.at(end - TTL + 1);
        assert_eq!((bench.encoded(), second.encoded_at), (2, end - TTL + 1));
        assert_eq!(says(&second, 5), Standing::Suspended);
        // A long ttl makes the lists live longer.
        let lists = StatusLists::new(BASE, 86_400);
        let published = lists.published(0, NOW, &bench.signer, "k1").unwrap().unwrap();
        let claims = read(&published).0;
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 2 * 86_400);
    }

    #[test]
    fn the_tag_changes_if_and_only_if_the_body_does() {
        let (bench, again) = (Bench::new(), Bench::new());
        let mut bodies = HashMap::new();
        let standings = [Standing::Invalid, Standing::Valid, Standing::UnderReview];
        for (number, standing) in (1..).zip(standings) {
            let at = NOW + number * TTL;
            bench.lists.apply(9, standing);
            again.lists.apply(9, standing);
            let published = bench.at(at);
            assert_eq!(published, again.at(at), "equal changes at equal times give equal bytes");
            assert_eq!(published, bench.at(at + 1));
            assert!(published.etag.starts_with('"') && published.etag.ends_with('"'));
            assert_eq!(published.etag.len(), 45);
            assert_eq!(bodies.insert(published.etag, published.body), None);
        }
        let different: std::collections::HashSet<_> = bodies.values().collect();
        assert_eq!(different.len(), bodies.len());
    }

    #[test]
    fn a_list_is_signed_anew_as_soon_as_another_key_signs() {
        let bench = Bench::new();
        let first = bench.at(NOW);
        let other = Counting::new(sample::other());
        let by_other = |at| bench.lists.published(0, at, &other, "k2").unwrap().unwrap();
        let second = by_other(NOW);
        assert_ne!(second.etag, first.etag);
        assert_eq!(by_other(NOW + 1), second);
    }

    #[test]
    fn a_clock_that_was_set_back_leaves_no_list_from_the_future() {
        let bench = Bench::new();
        bench.at(NOW);
        assert!(bench.lists.due(0, NOW - 1));
        assert_eq!(bench.at(NOW - 1).encoded_at, NOW - 1);
        assert_eq!(bench.encoded(), 2);
    }

    #[test]
    fn a_list_that_could_not_be_signed_is_tried_again_with_its_changes() {
        let bench = Bench::new();
        bench.at(NOW);
        bench.lists.apply(3, Standing::Invalid);
        bench.signer.fails.store(true, Ordering::SeqCst);
        assert_eq!(bench.lists.published(0, NOW + TTL, &bench.signer, "k1"), Err(SignError::Failed));
        bench.signer.fails.store(false, Ordering::SeqCst);
        assert_eq!(says(&bench.at(NOW + TTL), 3), Standing::Invalid);
    }

    #[test]
    fn a_list_is_there_from_its_first_token_on() {
        let bench = Bench::new();
        let is_there = |list| bench.list(list, NOW).is_some();
        assert!(is_there(0) && !is_there(1) && !is_there(u64::MAX));
        bench.lists.extend(PER_LIST - 1);
        assert!(!is_there(1));
        bench.lists.extend(3 * PER_LIST);
        assert!(is_there(1) && is_there(3) && !is_there(4));
        bench.lists.apply(4 * PER_LIST + 2, Standing::Invalid);
        bench.lists.extend(0);
        let fourth = bench.list(4, NOW).unwrap();
        assert_eq!(says(&fourth, 2), Standing::Invalid);
        assert_eq!(says(&bench.at(NOW), 2), Standing::Valid);
        // The claim of the token, the address of the list and its `sub` are one.
        let claim = bench.lists.claim(4 * PER_LIST + 2).status_list;
        assert_eq!((claim.idx, claim.uri.as_str()), (2, "https://kdp.example/token-status?list=4"));
        assert_eq!(read(&fourth).0["sub"], claim.uri);
        assert_eq!(asked_for(claim.uri.split_once('?').map(|(_, query)| query)), Some(4));
        let claim = bench.lists.claim(PER_LIST - 1).status_list;
        assert_eq!((claim.idx, claim.uri.as_str()), (PER_LIST - 1, BASE));
        assert_eq!(read(&bench.at(NOW)).0["sub"], BASE);
    }

    #[test]
    fn a_list_has_one_address() {
        for (query, list) in [
            (None, Some(0)),
            (Some("list=1"), Some(1)),
            (Some("list=10"), Some(10)),
            (Some("list=0"), None),
            (Some("list=01"), None),
            (Some("list=+1"), None),
            (Some("list="), None),
            (Some("list=1&x=1"), None),
            (Some("list=99999999999999999999"), None),
            (Some(""), None),
            (Some("LIST=1"), None),
        ] {
            assert_eq!(asked_for(query), list, "{query:?}");
        }
    }

    #[test]
    fn nothing_is_lost_between_threads() {
        let bench = Bench::new();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let bench = &bench;
                scope.spawn(move || {
                    for number in 0..500_u32 {
                        bench.lists.apply(u64::from(number * 4 + thread), Standing::Invalid);
                        if number % 50 == 0 {
                            bench.at(NOW + i64::from(number) * TTL);
                        }
                    }
                });
            }
        });
        let list = read(&bench.at(NOW + 1_000 * TTL)).1;
        assert!((0..2_000).all(|idx| list.get(idx) == Some(Standing::Invalid)));
        assert_eq!(list.get(2_000), Some(Standing::Valid));
    }

    fn header<'a>(answer: &'a Reply, name: &str) -> Option<&'a str> {
        answer.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn a_copy_that_is_current_is_not_sent_again() {
        let published = Bench::new().at(NOW);
        let etag = published.etag.clone();
        let ask = |tags: Option<&str>| answer(Some(published.clone()), tags, NOW + 100 * SECOND);
        let unquoted = etag.replace('"', "");
        for tags in [None, Some("\"another\""), Some(""), Some(unquoted.as_str())] {
            let whole = ask(tags);
            assert_eq!((whole.status, &whole.body), (200, &published.body), "{tags:?}");
            assert_eq!(header(&whole, "content-type"), Some("application/statuslist+jwt"));
            assert_eq!(header(&whole, "etag"), Some(etag.as_str()));
            assert_eq!(header(&whole, "cache-control"), Some("public, max-age=200"));
        }
        for tags in [etag.clone(), format!("W/{etag}"), format!("\"a\" , {etag}"), "*".to_owned()] {
            let current = ask(Some(&tags));
            assert_eq!((current.status, current.body.len()), (304, 0), "{tags}");
            assert_eq!(header(&current, "etag"), Some(etag.as_str()));
            assert_eq!(header(&current, "cache-control"), Some("public, max-age=200"));
        }
        let missing = answer(None, Some("*"), NOW);
        assert_eq!((missing.status, missing.body.len()), (404, 0));
        assert_eq!(header(&missing, "cache-control"), Some("no-store"));
    }

    #[test]
    fn a_copy_is_fresh_until_the_list_may_change_and_never_past_its_end() {
        let bench = Bench::new();
        for (age, fresh) in [
            (0, 300),
            (1, 300),
            (SECOND, 299),
            (TTL - SECOND, 1),
            (TTL - 1, 1),
            (TTL, 300),
            (86_400 * SECOND - TTL - SECOND, 300),
        ] {
            let published = bench.at(NOW + age);
            assert_eq!(published.max_age(NOW + age), fresh, "{age}");
            let end = read(&published).0["exp"].as_i64().unwrap();
            assert!(NOW + age + fresh * SECOND <= end * SECOND, "{age}");
        }
        assert_eq!(bench.encoded(), 1);
    }
}
