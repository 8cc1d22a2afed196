//! A status list as an owner has it in a file: believed by its signature alone, and for as long as it says.

use super::super::jwks::KeySet;
use super::super::jws::{JwsError, RefusedAlgorithm, Unverified};
use super::{BITS, BYTES, Standing, StatusList, TYPE, Term};
use crate::token::security::StatusReference;
use crate::trust::sign::SignatureAlgorithm;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;
use serde::Deserialize;
use serde_json::Value;

/// Longest list that is looked at, bytes: one that cannot be compressed, twice in base64, is shorter.
pub const MAX_LIST_BYTES: usize = 512 * 1024;

/// A list that the service signed.
pub struct SignedList {
    /// Where it is published.
    pub uri: String,
    /// From when and until when it is the word of the service.
    pub term: Term,
    entries: StatusList,
}

/// Why a text is not a status list of these keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// Not a strict compact JWS, or a claim is missing or wrong, or the entries are not as the service packs them.
    #[error("the status list is malformed: {0}")]
    Malformed(&'static str),
    /// Another algorithm than RS256.
    #[error("the status list's algorithm is refused: {0}")]
    Algorithm(RefusedAlgorithm),
    /// Something else that the keys signed: a token, for instance.
    #[error("not a status list")]
    Kind,
    /// None of the keys is the one that it names.
    #[error("the status list's key is unknown")]
    KeyUnknown,
    /// Not signed by one of the keys.
    #[error("the status list's signature is wrong")]
    Signature,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    iat: i64,
    exp: i64,
    ttl: i64,
    status_list: Packed,
}

#[derive(Deserialize)]
struct Packed {
    bits: u64,
    lst: String,
}

impl SignedList {
    /// Reads and verifies a compact JWT of at most [`MAX_LIST_BYTES`], as [`StatusList::token`] makes it. The entries
    /// are unpacked after the signature held, and never to more than a list has.
    ///
    /// # Errors
    /// [`ListError`], the first that applies; never one about the time.
    pub fn read(compact: &str, keys: &KeySet) -> Result<Self, ListError> {
        let list = Unverified::parse_within(MAX_LIST_BYTES, compact, &[SignatureAlgorithm::RsaSha256])?;
        let verified = list.verify(keys.as_slice())?;
        if verified.typ.as_deref() != Some(TYPE) {
            return Err(ListError::Kind);
        }
        let claims: Claims = serde_json::from_value(Value::Object(verified.claims()?))
            .map_err(|_| ListError::Malformed("a claim is missing or of the wrong kind"))?;
        let Claims { sub: uri, iat, exp, ttl, status_list } = claims;
        if exp <= iat || ttl < 1 {
            return Err(ListError::Malformed("it serves for no time"));
        }
        Ok(Self { uri, term: Term { iat, exp, ttl }, entries: status_list.unpack()? })
    }

    /// What it says of the token with this place; `None` beyond its end. Whether the place is in this list the caller
    /// judges by [`SignedList::uri`].
    #[must_use]
    pub fn standing(&self, place: &StatusReference) -> Option<Standing> {
        self.entries.get(place.idx)
    }
}

impl Packed {
    fn unpack(self) -> Result<StatusList, ListError> {
        if usize::try_from(self.bits) != Ok(BITS) {
            return Err(ListError::Malformed("an entry must have two bits"));
        }
        let packed = URL_SAFE_NO_PAD.decode(self.lst);
        let packed = packed.map_err(|_| ListError::Malformed("lst is not canonical base64url"))?;
        match decompress_to_vec_zlib_with_limit(&packed, BYTES) {
            Ok(bytes) if bytes.len() == BYTES => Ok(StatusList { bytes }),
            Ok(_) => Err(ListError::Malformed("it does not have the entries of a list")),
            Err(_) => Err(ListError::Malformed("lst is no zlib data, or more than a list has")),
        }
    }
}

impl From<JwsError> for ListError {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::Malformed(what) => Self::Malformed(what),
            JwsError::Algorithm(refused) => Self::Algorithm(refused),
            JwsError::KeyUnknown => Self::KeyUnknown,
            JwsError::Signature | JwsError::SignatureForm(_) => Self::Signature,
        }
    }
}
