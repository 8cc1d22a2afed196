//! Who signs masked messages: the published test keys of the sandbox, with certificates of a test authority that say of
//! somebody who does not exist what the original says of somebody who does.

use super::alias::Alias;
use crate::sandbox::pki;
use crate::trust::algorithm::SignatureAlgorithm;
use crate::trust::certificate::Certificate;
use crate::trust::issue::{Attribute, Issuer, Name, Purpose, Request};
use crate::trust::role::Role;
use crate::trust::sign::{self, Signer};
use crate::trust::verify::Verifier;

/// Test keys of each kind. Whoever signs with one of them himself gets another.
const RSA: [&str; 5] = ["candidate", "dormant", "stat", "owner2", "newcomer"];
const GOST_2015: [&str; 5] = ["candidate.gost", "dormant.gost", "stat.gost", "owner2.gost", "newcomer.gost"];
const GOST_2004: [&str; 2] = ["sms1414.gost", "egov.gost"];
/// That of the authority which is trusted, and of one that is not.
const AUTHORITIES: [(&str, &str); 2] =
    [("archive", "KDP MASKED REPORT CA (TEST)"), ("clinic", "KDP OTHER CA (TEST)")];
/// An information system of a legal entity (trust.md 3).
const SYSTEM: [&str; 2] = ["1.2.398.3.3.4.1.2", "1.2.398.3.3.4.1.2.6"];
/// 1950 to 2049, within which every certificate lies.
const ALWAYS: (i64, i64) = (-631_152_000, 2_524_608_000 - 1);

/// What is wrong with how a certificate came about, and stays so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issued {
    /// Nothing.
    Trusted,
    /// By an authority that nobody trusts.
    Elsewhere,
    /// In the name of the authority, by another key.
    Forged,
}

/// The keys that are left.
pub struct Keys {
    /// Public keys that are taken: of the original, and of those given out.
    taken: Vec<Vec<u8>>,
    serial: u8,
    /// When the message is judged, Unix seconds.
    now: i64,
}

impl Keys {
    /// None of them is of these public keys, DER `SubjectPublicKeyInfo`; `now` in Unix seconds.
    pub fn except(taken: Vec<Vec<u8>>, now: i64) -> Self {
        Self { taken, serial: 0, now }
    }

    /// The validity to the day, on the same side of now: the second of issue would tell whose it is.
    fn validity(&self, like: &Certificate) -> (i64, i64) {
        let (from, to) = like.validity;
        (super::day(from, self.now, 86_400).max(ALWAYS.0), super::day(to, self.now, 86_400).min(ALWAYS.1))
    }

    /// One more; `None`: there is none of the kind left.
    pub fn next(&mut self, algorithm: SignatureAlgorithm) -> Option<Box<dyn Signer>> {
        let names: &[&str] = match algorithm {
            SignatureAlgorithm::Gost2015 => &GOST_2015,
            SignatureAlgorithm::Gost2004 => &GOST_2004,
            _ => &RSA,
        };
        let mut keys = names.iter().filter_map(|name| key(name));
        let found = keys.find(|key| !self.taken.iter().any(|taken| taken == key.public_key_spki()))?;
        self.taken.push(found.public_key_spki().to_vec());
        Some(found)
    }

    /// A certificate like this one for a public key, DER.
    pub fn issue(
        &mut self,
        like: &Certificate,
        spki: &[u8],
        (alias, issued, is_for_signing): (&mut Alias, Issued, bool),
    ) -> Option<Vec<u8>> {
        // Whose it was must not be left anywhere else either.
        for part in like.subject_text.split(", ").filter_map(|part| Some(part.split_once('=')?.1)) {
            if part.len() > 2 {
                alias.text(part);
            }
        }
        let bin = like.bin.as_ref().map(|bin| format!("BIN{}", alias.text(bin)));
        let iin = like.iin.as_ref().map(|iin| format!("IIN{}", alias.text(iin)));
        let mut parts = vec![(Attribute::Country, "KZ"), (Attribute::Organisation, "MASKED (TEST)")];
        parts.extend(bin.as_deref().map(|bin| (Attribute::Unit, bin)));
        parts.extend(iin.as_deref().map(|iin| (Attribute::SerialNumber, iin)));
        parts.push((Attribute::CommonName, "masked"));
        let roles: Vec<&str> = like.extended_usage.iter().filter_map(|usage| role(usage)).collect();
        let purpose = if is_for_signing { Purpose::Messages(&roles) } else { Purpose::Authority };
        self.serial += 1;
        let (subject, serial, validity) = (&Name::new(&parts), &[1, self.serial], self.validity(like));
        let mut der = by(issued == Issued::Elsewhere, &Request { subject, spki, serial, validity, purpose })?;
        if issued == Issued::Forged {
            *der.last_mut()? ^= 1;
        }
        Some(der)
    }

    /// A certificate like this one for a key that nobody knows, as a token may show it.
    pub fn reissue(&mut self, like: &Certificate, alias: &mut Alias) -> Option<Vec<u8>> {
        self.taken.push(like.spki().to_vec());
        let signer = self.next(like.key().map_or(SignatureAlgorithm::RsaSha256, Verifier::algorithm))?;
        self.issue(like, signer.public_key_spki(), (alias, Issued::Trusted, true))
    }

    /// A certificate of an information system with this BIN, for a party that has none in the original.
    pub fn plain(&mut self, like: &Certificate, signer: &dyn Signer) -> Option<Vec<u8>> {
        self.serial += 1;
        let subject = Name::new(&[(Attribute::Country, "KZ"), (Attribute::CommonName, "masked other")]);
        let request = Request {
            subject: &subject,
            spki: signer.public_key_spki(),
            serial: &[1, self.serial],
            validity: self.validity(like),
            purpose: Purpose::Messages(&SYSTEM),
        };
        by(false, &request)
    }
}

/// A usage as it says what the holder is, but not which system it is. `None`: it says neither.
fn role(usage: &str) -> Option<&str> {
    let system = SYSTEM.last().filter(|system| usage.starts_with(**system));
    system.copied().or_else(|| Role::of([usage]).map(|_| usage))
}

/// What an authority issues, the one that is trusted or the other one.
fn by(is_other: bool, request: &Request<'_>) -> Option<Vec<u8>> {
    let (file, own) = AUTHORITIES.get(usize::from(is_other))?;
    Issuer { name: &name_of(own), signer: &*key(file)? }.issue(request).ok()
}

fn name_of(authority: &str) -> Name {
    Name::new(&[(Attribute::Country, "KZ"), (Attribute::CommonName, authority)])
}

/// The authority that a masked world trusts: its own certificate, DER.
pub fn authority() -> Option<Vec<u8>> {
    let (file, own) = AUTHORITIES.first()?;
    let (subject, signer) = (&name_of(own), key(file)?);
    let (spki, purpose) = (signer.public_key_spki(), Purpose::Authority);
    by(false, &Request { subject, spki, serial: &[1], validity: ALWAYS, purpose })
}

/// A test key of the sandbox, `bank` or `bank.gost`.
pub fn key(name: &str) -> Option<Box<dyn Signer>> {
    sign::from_pem(pki::published(&format!("{name}.key.pem"))?).ok()
}
