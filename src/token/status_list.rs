//! Signed status list: two bits a token, for owners that must survive the service being away.
//!
//! After the Token Status List of the IETF (draft-ietf-oauth-status-list). A list never replaces the check of
//! F-14 6): it is as old as its `ttl` allows, and it knows no request.
//!
//! The tokens are counted through, and token n is entry n mod [`PER_LIST`] of list n / [`PER_LIST`]. A list has
//! all of its entries from the beginning, all valid: so a token has its entry in a copy that was taken before it
//! was issued, and the length tells nobody how many there are. [`StatusLists`] keeps the lists and their signed
//! form.

mod published;
mod signed;

pub use self::published::{Published, Reply, StatusLists, answer, asked_for};
pub use self::signed::{ListError, SignedList};

use super::jws;
use crate::trust::sign::{SignError, SignatureAlgorithm, Signer};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use miniz_oxide::deflate::core::{self, CompressionStrategy, CompressorOxide, TDEFLFlush};
use serde::Serialize;

/// Entries of a list.
pub const PER_LIST: u64 = 1 << 20;

/// `typ` of the header, and the media type behind `application/`.
pub const TYPE: &str = "statuslist+jwt";

/// Bits of an entry.
const BITS: usize = 2;
const PER_BYTE: usize = 8 / BITS;
const BYTES: usize = (1 << 20) / PER_BYTE;

/// What an entry says of its token, by the numbers of the draft, 7.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Standing {
    /// VALID; or expired, which the token says itself.
    Valid = 0,
    /// INVALID: revoked or ended, for good.
    Invalid = 1,
    /// SUSPENDED: its subject is blocked or its initiator suspended, until that is lifted.
    Suspended = 2,
    /// `APPLICATION_SPECIFIC`: valid, and an application to revoke it is under review (F-18).
    UnderReview = 3,
}

impl Standing {
    /// What the lowest two bits say.
    #[must_use]
    pub fn from_bits(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::Valid,
            1 => Self::Invalid,
            2 => Self::Suspended,
            _ => Self::UnderReview,
        }
    }
}

/// The entries of one list.
#[derive(Clone, PartialEq, Eq)]
pub struct StatusList {
    bytes: Vec<u8>,
}

/// When a list was issued and for how long it serves, Unix seconds and seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// When it is issued.
    pub iat: i64,
    /// From here on it is no word of the service any more.
    pub exp: i64,
    /// How old a copy may grow before a fresh one should be fetched.
    pub ttl: i64,
}

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    iat: i64,
    exp: i64,
    ttl: i64,
    status_list: Encoded,
}

#[derive(Serialize)]
struct Encoded {
    bits: usize,
    lst: String,
}

impl StatusList {
    /// A list of valid entries.
    #[must_use]
    pub fn new() -> Self {
        Self { bytes: vec![0; BYTES] }
    }

    /// What the entry says; `None` from [`PER_LIST`] on.
    #[must_use]
    pub fn get(&self, idx: u64) -> Option<Standing> {
        let (byte, shift) = place(idx)?;
        self.bytes.get(byte).map(|byte| Standing::from_bits(byte >> shift))
    }

    /// Changes one entry. `false`: it said so already, or there is none such.
    pub fn set(&mut self, idx: u64, standing: Standing) -> bool {
        let entry = place(idx).and_then(|(byte, shift)| Some((self.bytes.get_mut(byte)?, shift)));
        entry.is_some_and(|(byte, shift)| {
            let changed = *byte & !(3 << shift) | (standing as u8) << shift;
            std::mem::replace(byte, changed) != changed
        })
    }

    /// The entries as zlib data (RFC 1950).
    ///
    /// Only runs are looked for: of a list that is mostly zeros, full compression makes hardly less, in twenty
    /// times the time.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        const LEVEL: i32 = 6;
        const ZLIB: i32 = 1;
        let flags = core::create_comp_flags_from_zip_params(LEVEL, ZLIB, CompressionStrategy::RLE as i32);
        let mut compressor = Box::new(CompressorOxide::new(flags));
        let mut encoded = Vec::new();
        core::compress_to_output(&mut compressor, &self.bytes, TDEFLFlush::Finish, |bytes| {
            encoded.extend_from_slice(bytes);
            true
        });
        encoded
    }

    /// The list as it is published under `uri`: a compact JWT, RS256 by the key that is published as `kid`.
    ///
    /// # Errors
    /// [`SignError`] when the signer fails; [`SignError::Kind`] when it is none for RS256.
    pub fn token(&self, uri: &str, term: Term, signer: &dyn Signer, kid: &str) -> Result<String, SignError> {
        if signer.algorithm() != SignatureAlgorithm::RsaSha256 {
            return Err(SignError::Kind);
        }
        let Term { iat, exp, ttl } = term;
        let status_list = Encoded { bits: BITS, lst: URL_SAFE_NO_PAD.encode(self.encode()) };
        jws::sign_as(TYPE, &Claims { sub: uri, iat, exp, ttl, status_list }, signer, Some(kid))
    }
}

impl Default for StatusList {
    fn default() -> Self {
        Self::new()
    }
}

/// Byte and shift of an entry: the first of a byte is in its lowest bits (draft, 4.1).
fn place(idx: u64) -> Option<(usize, usize)> {
    let idx = usize::try_from(idx).ok()?;
    Some((idx / PER_BYTE, idx % PER_BYTE * BITS))
}

#[cfg(test)]
mod tests {
    use super::super::jwks::KeySet;
    use super::super::{ovt, sample, security};
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use std::time::{Duration, Instant};

    const NOW: i64 = 1_790_000_000;
    const URI: &str = "https://kdp.example/token-status";
    const TERM: Term = Term { iat: NOW, exp: NOW + 3_600, ttl: 300 };

    /// Of the draft's appendix on test vectors: 2^20 entries of two bits.
    const VECTOR: &str = "eNrt2zENACEQAEEuoaBABP5VIO01fCjIHTMStt9ovGVIAAAAAABAbiEBAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEB5WwIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAID0ugQAAAAAAAAAAAAAAAAAQG12SgAAAAAAAAAAAAAAAAAAAAAAAAAAAOCSIQEAAAAAAAAAAAAAAAAAAAAAAAD8ExIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwJEuAQAAAAAAAAAAAAAAAAAAAAAAAMB9SwIAAAAAAAAAAAAAAAAAAACoYUoAAAAAAAAAAAAAAEBqH81gAQw";
    const VECTOR_ENTRIES: [(u64, Standing); 11] = [
        (0, Standing::Invalid),
        (1_993, Standing::Suspended),
        (25_460, Standing::Invalid),
        (159_495, Standing::UnderReview),
        (495_669, Standing::Invalid),
        (554_353, Standing::Invalid),
        (645_645, Standing::Suspended),
        (723_232, Standing::Invalid),
        (854_545, Standing::Invalid),
        (934_534, Standing::Suspended),
        (1_000_345, Standing::UnderReview),
    ];

    fn decode(encoded: &[u8]) -> StatusList {
        let bytes = miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(encoded, BYTES);
        let bytes = bytes.unwrap_or_else(|error| panic!("{:?}", error.status));
        assert_eq!(bytes.len(), BYTES);
        StatusList { bytes }
    }

    fn list(entries: &[(u64, Standing)]) -> StatusList {
        let mut list = StatusList::new();
        for (idx, standing) in entries {
            assert!(list.set(*idx, *standing));
        }
        list
    }

    /// One of a hundred of a million tokens, at random but always the same.
    fn one_percent() -> StatusList {
        let (mut list, mut state, mut revoked) = (StatusList::new(), 0x2545_f491_4f6c_dd1d_u64, 0);
        while revoked < 10_000 {
            // xorshift64
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            revoked += u32::from(list.set(state % 1_000_000, Standing::Invalid));
        }
        list
    }

    #[expect(clippy::disallowed_methods, reason = "a stopwatch")]
    fn timed<T>(work: impl Fn() -> T) -> (T, Duration) {
        let runs = (0..5).map(|_| {
            let begin = Instant::now();
            let made = work();
            (made, begin.elapsed())
        });
        runs.min_by_key(|(_, took)| *took).unwrap()
    }

    #[test]
    fn entries_lie_in_the_bytes_as_in_the_example_of_the_draft() {
        let mut list = StatusList::new();
        let example = [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3];
        for (idx, bits) in (0..).zip(example) {
            list.set(idx, Standing::from_bits(bits));
        }
        assert_eq!(list.bytes[..4], [0xc9, 0x44, 0xf9, 0]);
        for (idx, bits) in (0..).zip(example) {
            assert_eq!(list.get(idx).unwrap() as u8, bits);
        }
        let numbers = [Standing::Valid, Standing::Invalid, Standing::Suspended, Standing::UnderReview];
        assert_eq!(numbers.map(|standing| standing as u8), [0, 1, 2, 3]);
    }

    #[test]
    fn the_vector_of_the_draft_holds_the_same_entries() {
        let vector = decode(&URL_SAFE_NO_PAD.decode(VECTOR).unwrap());
        let ours = list(&VECTOR_ENTRIES);
        assert!(vector == ours);
        assert!(decode(&ours.encode()) == ours);
        // It was compressed by zlib at its highest level.
        assert!(ours.encode().len() <= VECTOR.len());
    }

    #[test]
    fn a_million_tokens_with_one_in_a_hundred_revoked_take_at_most_20_kib() {
        let list = one_percent();
        let (encoded, took) = timed(|| list.encode());
        println!("1 000 000 tokens, 1 % revoked: {} bytes, encoded in {took:?}", encoded.len());
        println!("nothing revoked: {} bytes", StatusList::new().encode().len());
        assert!(encoded.len() <= 20_480, "{} bytes", encoded.len());
        assert!(decode(&encoded) == list);
        assert!(took <= Duration::from_millis(50), "encoded in {took:?}");
    }

    #[test]
    fn one_revocation_changes_one_entry() {
        let (before, mut after) = (one_percent(), one_percent());
        let idx = (0..PER_LIST).find(|idx| before.get(*idx) == Some(Standing::Valid)).unwrap();
        assert!(after.set(idx, Standing::Invalid));
        assert!(!after.set(idx, Standing::Invalid), "it said so already");
        let after = decode(&after.encode());
        let changed: Vec<_> = (0..PER_LIST).filter(|idx| before.get(*idx) != after.get(*idx)).collect();
        assert_eq!(changed, [idx]);
        assert_eq!(after.get(idx), Some(Standing::Invalid));
    }

    #[test]
    fn there_is_nothing_beyond_the_last_entry() {
        let mut list = StatusList::new();
        assert!(list.set(PER_LIST - 1, Standing::Suspended));
        for idx in [PER_LIST, PER_LIST + 1, u64::MAX] {
            assert_eq!(list.get(idx), None);
            assert!(!list.set(idx, Standing::Invalid));
        }
    }

    #[test]
    fn a_stock_reader_takes_the_signed_list() {
        let list = one_percent();
        let (token, took) = timed(|| list.token(URI, TERM, sample::signer(), "k1").unwrap());
        println!("1 000 000 tokens, 1 % revoked: a JWT of {} bytes, made in {took:?}", token.len());
        let public = sample::key_of(sample::signer());
        let key = jsonwebtoken::DecodingKey::from_jwk(&public.to_jwk()).unwrap();
        let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
        rules.validate_exp = false;
        let read = jsonwebtoken::decode::<Value>(&token, &key, &rules).unwrap();
        assert_eq!(read.header.typ.as_deref(), Some("statuslist+jwt"));
        assert_eq!(read.header.kid.as_deref(), Some("k1"));
        let encoded = read.claims["status_list"]["lst"].as_str().unwrap();
        assert!(decode(&URL_SAFE_NO_PAD.decode(encoded).unwrap()) == list);
        assert_eq!(
            read.claims,
            json!({
                "sub": URI, "iat": NOW, "exp": NOW + 3_600, "ttl": 300,
                "status_list": {"bits": 2, "lst": encoded},
            })
        );
    }

    #[test]
    fn a_list_passes_for_no_other_token_and_is_signed_by_no_key_of_receipts() {
        let list = list(&VECTOR_ENTRIES);
        let token = list.token(URI, TERM, sample::signer(), "k1").unwrap();
        let public = sample::key_of(sample::signer());
        assert!(ovt::verify(&token, &[public.clone().into()], &ovt::ACCEPTED).is_err());
        let keys = KeySet::new(vec![public.with_kid("k1")]).unwrap();
        assert_eq!(security::read(&token, &keys).unwrap_err(), security::TokenError::Kind);
        let refused = list.token(URI, TERM, sample::receipt_signer(), "r1");
        assert_eq!(refused.unwrap_err(), SignError::Kind);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn a_list_keeps_what_was_set_last(
            changes in proptest::collection::vec((0..64_u64, 0..4_u8), 0..200), offset in 0..PER_LIST - 64,
        ) {
            let (mut list, mut model) = (StatusList::new(), vec![Standing::Valid; 64]);
            for (idx, bits) in changes {
                let standing = Standing::from_bits(bits);
                let before = std::mem::replace(&mut model[usize::try_from(idx).unwrap()], standing);
                prop_assert_eq!(list.set(offset + idx, standing), before != standing);
            }
            let read = decode(&list.encode());
            for (idx, standing) in (offset..).zip(&model) {
                prop_assert_eq!(read.get(idx), Some(*standing));
            }
            let (first, last) = (place(offset).unwrap().0, place(offset + 63).unwrap().0);
            let mut others = read.bytes[..first].iter().chain(&read.bytes[last + 1..]);
            prop_assert!(others.all(|byte| *byte == 0));
        }
    }
}
