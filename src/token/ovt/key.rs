//! Registered keys of initiators: RSA, or one of the two of ГОСТ (trust.md 4).

use crate::token::jws::{JwsError, SignatureFlaw, TokenKey};
use crate::token::rsa::{PublicKeyError, VerifyingKey};
use crate::trust::algorithm::{SignatureAlgorithm, sha256};
use crate::trust::gost::GostError;
use crate::trust::verify::{self, Verifier};
use crate::trust::{Distrust, certificate::Certificate};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;
use std::sync::Arc;
use x509_parser::pem::Pem;

/// A registered key of an initiator, from the registry by BIN, never from the token.
#[derive(Clone)]
pub struct OvtKey(Kind);

#[derive(Clone)]
enum Kind {
    Rsa(VerifyingKey),
    Gost { kid: Option<String>, key: Arc<dyn Verifier>, spki: Box<[u8]> },
}

impl OvtKey {
    /// Reads the first `PUBLIC KEY` (SPKI) or `CERTIFICATE` of a PEM text. Of a certificate only the key is
    /// taken: its validity is the business of whoever registers it.
    ///
    /// # Errors
    /// [`PublicKeyError`] names what is wrong.
    pub fn from_pem(pem: &str, kid: Option<String>) -> Result<Self, PublicKeyError> {
        for block in Pem::iter_from_buffer(pem.as_bytes()) {
            let block = block.map_err(|_| PublicKeyError::Malformed)?;
            match block.label.as_str() {
                "PUBLIC KEY" => return Self::from_spki_der(&block.contents, kid),
                "CERTIFICATE" => return Self::from_certificate_der(&block.contents, kid),
                _ => {}
            }
        }
        Err(PublicKeyError::Malformed)
    }

    /// Reads a DER `SubjectPublicKeyInfo` (RFC 5280, 4.1): of RSA, or of ГОСТ with its parameters (trust.md 2).
    ///
    /// # Errors
    /// [`PublicKeyError`] names what is wrong.
    pub fn from_spki_der(der: &[u8], kid: Option<String>) -> Result<Self, PublicKeyError> {
        match VerifyingKey::from_spki_der(der, kid.clone()) {
            Err(PublicKeyError::Kind) => Self::from_gost(der, kid),
            read => Ok(Self::from(read?)),
        }
    }

    /// Takes the key of a DER certificate.
    ///
    /// # Errors
    /// [`PublicKeyError`] names what is wrong.
    pub fn from_certificate_der(der: &[u8], kid: Option<String>) -> Result<Self, PublicKeyError> {
        let certificate = Certificate::from_der(der).map_err(|_| PublicKeyError::Malformed)?;
        Self::from_spki_der(certificate.spki(), kid)
    }

    fn from_gost(spki: &[u8], kid: Option<String>) -> Result<Self, PublicKeyError> {
        let key = verify::from_spki(spki).map_err(|error| match error {
            Distrust::KeyKind => PublicKeyError::NeitherRsaNorGost,
            Distrust::Gost(_) => PublicKeyError::Point,
            _ => PublicKeyError::Malformed,
        })?;
        Ok(Self(Kind::Gost { kid, key, spki: spki.into() }))
    }

    /// What tells the key from every other, 43 characters: of RSA its RFC 7638 thumbprint; of ГОСТ, for which no JWK is
    /// defined, base64url of the SHA-256 of its `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// [`PublicKeyError::Kind`] when the library cannot compute it.
    pub fn thumbprint(&self) -> Result<String, PublicKeyError> {
        match &self.0 {
            Kind::Rsa(key) => key.thumbprint(),
            Kind::Gost { spki, .. } => Ok(URL_SAFE_NO_PAD.encode(sha256(spki))),
        }
    }
}

impl From<VerifyingKey> for OvtKey {
    fn from(key: VerifyingKey) -> Self {
        Self(Kind::Rsa(key))
    }
}

impl TokenKey for OvtKey {
    fn kid(&self) -> Option<&str> {
        match &self.0 {
            Kind::Rsa(key) => key.kid(),
            Kind::Gost { kid, .. } => kid.as_deref(),
        }
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        match &self.0 {
            Kind::Rsa(_) => SignatureAlgorithm::RsaSha256,
            Kind::Gost { key, .. } => key.algorithm(),
        }
    }

    fn to_spki_der(&self) -> Vec<u8> {
        match &self.0 {
            Kind::Rsa(key) => key.to_spki_der(),
            Kind::Gost { spki, .. } => spki.to_vec(),
        }
    }

    fn check(&self, message: &[u8], signature: &str) -> Result<(), JwsError> {
        match &self.0 {
            Kind::Rsa(key) => key.check(message, signature),
            Kind::Gost { key, .. } => {
                let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| JwsError::Signature)?;
                check(&**key, message, &signature)
            }
        }
    }
}

/// Verifies r ‖ s, little-endian, and says of one that does not verify whether its numbers would in another order: what
/// libraries that follow RFC 9215 or RFC 7518 write is the likeliest fault of a new client.
fn check(key: &dyn Verifier, message: &[u8], signature: &[u8]) -> Result<(), JwsError> {
    let flaw = match key.verify(message, signature) {
        Ok(()) => return Ok(()),
        Err(Distrust::Gost(GostError::SignatureLength)) => {
            return Err(JwsError::SignatureForm(SignatureFlaw::Length));
        }
        Err(Distrust::Gost(GostError::Range)) => JwsError::SignatureForm(SignatureFlaw::Range),
        Err(_) => JwsError::Signature,
    };
    let (first, second) = signature.split_at(signature.len() / 2);
    let reversed = |half: &[u8]| half.iter().rev().copied().collect::<Vec<u8>>();
    let others =
        [reversed(signature), [reversed(first), reversed(second)].concat(), [second, first].concat()];
    let in_other_order = others.iter().any(|other| key.verify(message, other).is_ok());
    Err(if in_other_order { JwsError::SignatureForm(SignatureFlaw::Order) } else { flaw })
}

impl fmt::Debug for OvtKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OvtKey({}, {:?})", self.kid().unwrap_or("no kid"), self.algorithm())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::ovt::{self, ACCEPTED, ACCEPTED_WITH_GG2004, Mcheck, NewOvt, Ovt, OvtError};
    use crate::token::{jws::RefusedAlgorithm, sample};
    use crate::trust::gost::Scheme;
    use crate::trust::sign::{GostSigner, Signer};
    use base64::engine::general_purpose::STANDARD;

    const CLAIMS: NewOvt<'_> = NewOvt {
        cbin: "990140000013",
        mcheck: Mcheck::Biometrics,
        iat: 1_790_000_000,
        exp: 1_790_003_600,
        uin: None,
        jti: None,
    };

    fn signer(scheme: Scheme) -> GostSigner {
        GostSigner::generate(scheme).unwrap()
    }

    fn key_of(signer: &dyn Signer) -> OvtKey {
        OvtKey::from_spki_der(signer.public_key_spki(), None).unwrap()
    }

    fn pem(label: &str, der: &[u8]) -> String {
        let text = STANDARD.encode(der);
        let lines: Vec<_> =
            text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
    }

    fn made(signer: &dyn Signer) -> String {
        ovt::make(&CLAIMS, signer, None).unwrap()
    }

    /// A token with this `alg`, and more of a header, signed by `signer` whatever it says.
    fn with_header(members: &str, signer: &dyn Signer) -> String {
        let claims = made(signer).split('.').nth(1).unwrap().to_owned();
        let message = format!("{}.{claims}", URL_SAFE_NO_PAD.encode(format!("{{{members}}}")));
        let signature = signer.sign(message.as_bytes()).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The sound token with another signature.
    fn resigned(token: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> String {
        let (message, signature) = token.rsplit_once('.').unwrap();
        let signature = change(URL_SAFE_NO_PAD.decode(signature).unwrap());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn verify_with(token: &str, keys: &[OvtKey]) -> Result<Ovt, OvtError> {
        ovt::verify(token, keys, &ACCEPTED_WITH_GG2004)
    }

    #[test]
    fn a_key_is_the_same_in_a_pem_text_whatever_stands_before_it() {
        for signer in [sample::signer() as &dyn Signer, &signer(Scheme::Gost2015)] {
            let spki = signer.public_key_spki();
            let text = format!("a note\n{}", pem("PUBLIC KEY", spki));
            assert_eq!(OvtKey::from_pem(&text, None).unwrap().to_spki_der(), spki);
        }
        for text in
            ["", "-----BEGIN PUBLIC KEY-----\n!!\n-----END PUBLIC KEY-----", "-----BEGIN PUBLIC KEY-----"]
        {
            assert_eq!(OvtKey::from_pem(text, None).unwrap_err(), PublicKeyError::Malformed, "{text}");
        }
    }

    #[test]
    fn a_token_of_each_scheme_is_read_under_each_of_its_names() {
        for (scheme, names) in [
            (Scheme::Gost2015, &["GG2015", "GOST15", "GOST3410-2015-512"][..]),
            (Scheme::Gost2004, &["GG2004"]),
        ] {
            let signer = signer(scheme);
            let keys = [key_of(sample::signer()), key_of(&signer)];
            assert!(verify_with(&made(&signer), &keys).is_ok());
            for name in names {
                let token = with_header(&format!(r#""alg":"{name}""#), &signer);
                assert_eq!(verify_with(&token, &keys).map(|ovt| ovt.cbin), Ok("990140000013".to_owned()));
            }
            // The key beside it is still good for its own.
            assert!(verify_with(&made(sample::signer()), &keys).is_ok());
        }
    }

    #[test]
    fn a_name_in_another_case_is_none() {
        let signer = signer(Scheme::Gost2015);
        for name in ["gg2015", "GOST3410-2012-512", "GG2015 ", "GOST15-512"] {
            let token = with_header(&format!(r#""alg":"{name}""#), &signer);
            let refused = OvtError::Algorithm(RefusedAlgorithm::Other);
            assert_eq!(verify_with(&token, &[key_of(&signer)]).unwrap_err(), refused, "{name}");
        }
    }

    #[test]
    fn gg2004_is_refused_until_it_is_switched_on() {
        let signer = signer(Scheme::Gost2004);
        let (token, keys) = (made(&signer), [key_of(&signer)]);
        let refused = ovt::verify(&token, &keys, &ACCEPTED).unwrap_err();
        assert_eq!(refused, OvtError::Algorithm(RefusedAlgorithm::Gost));
        assert_eq!(refused.reason(), "ovt-algorithm");
        assert!(verify_with(&token, &keys).is_ok());
    }

    #[test]
    fn an_algorithm_that_does_not_fit_the_registered_key_is_refused_whoever_signed() {
        let (new, old) = (signer(Scheme::Gost2015), signer(Scheme::Gost2004));
        let signers: [&dyn Signer; 3] = [sample::signer(), &new, &old];
        for (i, registered) in signers.iter().enumerate() {
            for (j, signed) in signers.iter().enumerate() {
                for (k, named) in signers.iter().enumerate() {
                    let token = with_header(&format!(r#""alg":"{}""#, named.algorithm().jws()), *signed);
                    let outcome = verify_with(&token, &[key_of(*registered)]);
                    if i == k && j == k {
                        assert!(outcome.is_ok());
                    } else {
                        let unfit = i != k;
                        let reason = if unfit { "ovt-algorithm" } else { "ovt-signature" };
                        assert_eq!(outcome.unwrap_err().reason(), reason, "key {i}, signer {j}, alg {k}");
                    }
                }
            }
        }
    }

    #[test]
    fn another_key_of_the_scheme_did_not_sign() {
        let (own, other) = (signer(Scheme::Gost2015), signer(Scheme::Gost2015));
        assert_eq!(verify_with(&made(&other), &[key_of(&own)]).unwrap_err(), OvtError::Signature);
        assert!(verify_with(&made(&other), &[key_of(&own), key_of(&other)]).is_ok());
    }

    #[test]
    fn a_carried_certificate_must_hold_a_registered_key() {
        let (own, other) = (signer(Scheme::Gost2015), signer(Scheme::Gost2015));
        let carrying = |signer: &GostSigner| {
            let certificate = sample::certificate_of(signer);
            let x5c = format!(r#""alg":"GG2015","x5c":["{}"]"#, STANDARD.encode(certificate));
            with_header(&x5c, &own)
        };
        assert!(verify_with(&carrying(&own), &[key_of(&own)]).is_ok());
        let (unknown, keys) = (OvtError::KeyUnknown, [key_of(&own), key_of(sample::signer())]);
        assert_eq!(verify_with(&carrying(&other), &keys).unwrap_err(), unknown);
    }

    #[test]
    fn a_kid_selects_among_keys_of_both_kinds() {
        let signer = signer(Scheme::Gost2015);
        let gost = OvtKey::from_spki_der(signer.public_key_spki(), Some("g".to_owned())).unwrap();
        let keys = [gost, OvtKey::from(sample::key_of(sample::signer()).with_kid("r"))];
        let named = |kid: &str| verify_with(&ovt::make(&CLAIMS, &signer, Some(kid)).unwrap(), &keys);
        assert!(named("g").is_ok());
        assert_eq!(named("r").unwrap_err(), OvtError::Algorithm(RefusedAlgorithm::Unfit));
        assert_eq!(named("x").unwrap_err(), OvtError::KeyUnknown);
    }

    #[test]
    fn what_is_wrong_with_the_numbers_of_a_signature_is_said() {
        for scheme in [Scheme::Gost2015, Scheme::Gost2004] {
            let signer = signer(scheme);
            let (keys, token) = ([key_of(&signer)], made(&signer));
            let flaw =
                |change: fn(Vec<u8>) -> Vec<u8>| verify_with(&resigned(&token, change), &keys).unwrap_err();
            let form = OvtError::SignatureForm;
            assert_eq!(flaw(|_| Vec::new()), form(SignatureFlaw::Length));
            assert_eq!(flaw(|s| s[1..].to_vec()), form(SignatureFlaw::Length));
            assert_eq!(flaw(|s| s[..s.len() / 2].to_vec()), form(SignatureFlaw::Length));
            assert_eq!(flaw(|s| [&s[..], &[0]].concat()), form(SignatureFlaw::Length));
            assert_eq!(flaw(|s| [&s[..], &s].concat()), form(SignatureFlaw::Length));
            assert_eq!(flaw(|s| vec![0; s.len()]), form(SignatureFlaw::Range));
            assert_eq!(flaw(|s| vec![0xff; s.len()]), form(SignatureFlaw::Range));
            assert_eq!(
                flaw(|s| [&s[..s.len() / 2], &vec![0; s.len() / 2]].concat()),
                form(SignatureFlaw::Range)
            );
            assert_eq!(
                flaw(|s| [&vec![0; s.len() / 2], &s[s.len() / 2..]].concat()),
                form(SignatureFlaw::Range)
            );
            // RFC 9215, s ‖ r, most significant byte first; r ‖ s as RFC 7518 has it for curves; s ‖ r.
            assert_eq!(flaw(|s| s.iter().rev().copied().collect()), form(SignatureFlaw::Order));
            let halves = |s: Vec<u8>| {
                let (r, s) = s.split_at(s.len() / 2);
                r.iter().rev().chain(s.iter().rev()).copied().collect()
            };
            assert_eq!(flaw(halves), form(SignatureFlaw::Order));
            assert_eq!(flaw(|s| [&s[s.len() / 2..], &s[..s.len() / 2]].concat()), form(SignatureFlaw::Order));
            let changed = flaw(|mut s| {
                s[3] ^= 1;
                s
            });
            assert_eq!(changed, OvtError::Signature);
            assert_eq!(form(SignatureFlaw::Order).reason(), "ovt-signature");
            let text = form(SignatureFlaw::Order).to_string();
            assert!(text.contains("least significant byte first"), "{text}");
        }
    }

    #[test]
    fn a_key_is_read_from_every_form_in_which_it_is_registered() {
        for scheme in [Scheme::Gost2015, Scheme::Gost2004] {
            let signer = signer(scheme);
            let spki = signer.public_key_spki();
            let key = key_of(&signer);
            let forms = [
                OvtKey::from_pem(&pem("PUBLIC KEY", spki), None),
                OvtKey::from_pem(&pem("CERTIFICATE", &sample::certificate_of(&signer)), None),
                OvtKey::from_certificate_der(&sample::certificate_of(&signer), None),
            ];
            for read in forms {
                assert_eq!(read.unwrap().to_spki_der(), key.to_spki_der());
            }
            let thumbprint = key.thumbprint().unwrap();
            assert_eq!(thumbprint.len(), 43);
            for end in 0..spki.len() {
                assert!(OvtKey::from_spki_der(&spki[..end], None).is_err(), "cut at {end}");
            }
            let mut moved = spki.to_vec();
            *moved.last_mut().unwrap() ^= 1;
            assert_eq!(OvtKey::from_spki_der(&moved, None).unwrap_err(), PublicKeyError::Point);
        }
        let ed25519 =
            STANDARD.decode("MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=").unwrap();
        assert_eq!(OvtKey::from_spki_der(&ed25519, None).unwrap_err(), PublicKeyError::NeitherRsaNorGost);
    }

    #[test]
    fn a_security_token_is_never_verified_by_a_key_of_gost() {
        let signer = signer(Scheme::Gost2015);
        let claims = sample::claims(1_790_000_000);
        let token = crate::token::security::issue(&claims, &signer, "k").unwrap();
        let keys = crate::token::jwks::KeySet::new(vec![sample::key_of(sample::signer())]).unwrap();
        let refused = crate::token::security::verify(&token, &keys, 1_790_000_000, 0).unwrap_err();
        assert_eq!(refused, crate::token::security::TokenError::Algorithm(RefusedAlgorithm::Gost));
    }
}
