//! Certificates issued by keys of ours (RFC 5280): the authority of the sandbox and its peers. Nothing that production
//! needs.
//!
//! All but the signature follows from what is given; a signature of ГОСТ has fresh randomness in it.

use super::algorithm::{SignatureAlgorithm, sha256};
use super::der::{self, tag};
use super::sign::{SignError, Signer};
use super::verify::key_bits;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;

/// A certificate could not be issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// A time outside of the years 1950 to 9999, or an end before the beginning.
    #[error("the validity of a certificate must lie between 1950 and 9999")]
    Validity,
    /// A serial number that is zero, or longer than the twenty bytes of RFC 5280, 4.1.2.2.
    #[error("a serial number has 1 to 20 bytes and is not zero")]
    Serial,
    /// The key of the issuer signs no certificates, or its module failed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// A public key that is none.
    #[error("the public key is malformed")]
    Key,
}

/// A part of a name, in the order in which it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// `C`, two letters.
    Country,
    /// `O`
    Organisation,
    /// `OU`, of an organisation `BIN` and its twelve digits.
    Unit,
    /// `CN`
    CommonName,
    /// `serialNumber`, of a person `IIN` and its twelve digits.
    SerialNumber,
    /// `UID`: the OID of an information system, dotted.
    System,
}

impl Attribute {
    fn oid(self) -> &'static str {
        match self {
            Self::Country => "2.5.4.6",
            Self::Organisation => "2.5.4.10",
            Self::Unit => "2.5.4.11",
            Self::CommonName => "2.5.4.3",
            Self::SerialNumber => "2.5.4.5",
            Self::System => "0.9.2342.19200300.100.1.1",
        }
    }

    fn string(self) -> u8 {
        match self {
            Self::Country | Self::SerialNumber => tag::PRINTABLE_STRING,
            _ => tag::UTF8_STRING,
        }
    }
}

/// A distinguished name, DER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(Vec<u8>);

impl Name {
    /// One attribute after the other, each in a set of its own.
    #[must_use]
    pub fn new(parts: &[(Attribute, &str)]) -> Self {
        let set = |(attribute, text): &(Attribute, &str)| {
            let identifier = der::value(tag::OID, &der::oid(attribute.oid()));
            let text = der::value(attribute.string(), text.as_bytes());
            der::all(tag::SET, &[&der::sequence(&[&identifier, &text])])
        };
        Self(der::value(tag::SEQUENCE, &parts.iter().flat_map(set).collect::<Vec<u8>>()))
    }
}

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose<'a> {
    /// Signs certificates and lists of revoked ones.
    Authority,
    /// Signs messages; these are its extended usages, dotted.
    Messages(&'a [&'a str]),
}

/// A certificate to be issued.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Whose.
    pub subject: &'a Name,
    /// Its public key, DER `SubjectPublicKeyInfo`.
    pub spki: &'a [u8],
    /// Big-endian.
    pub serial: &'a [u8],
    /// When it begins and ends, Unix seconds, both inclusive.
    pub validity: (i64, i64),
    /// What for.
    pub purpose: Purpose<'a>,
}

/// Who issues.
#[derive(Clone, Copy)]
pub struct Issuer<'a> {
    /// Its name; for its own certificate, that of the subject.
    pub name: &'a Name,
    /// Its key.
    pub signer: &'a dyn Signer,
}

impl Issuer<'_> {
    /// Issues a certificate, DER.
    ///
    /// # Errors
    /// [`IssueError`] names what is wrong.
    pub fn issue(&self, request: &Request<'_>) -> Result<Vec<u8>, IssueError> {
        let zeros = request.serial.iter().take_while(|byte| **byte == 0).count();
        let serial = request.serial.get(zeros..).unwrap_or_default();
        // Twenty bytes hold the sign too.
        if serial.is_empty() || serial.len() > 20 || serial.len() == 20 && serial.first() >= Some(&0x80) {
            return Err(IssueError::Serial);
        }
        let (from, until) = request.validity;
        if until < from {
            return Err(IssueError::Validity);
        }
        let algorithm = algorithm(self.signer.algorithm())?;
        let tbs = der::sequence(&[
            // Version 3.
            &der::all(tag::context(0), &[&der::integer(&[2])]),
            &der::integer(serial),
            &algorithm,
            &self.name.0,
            &der::sequence(&[&time(from)?, &time(until)?]),
            &request.subject.0,
            request.spki,
            &der::all(tag::context(3), &[&self.extensions(request)?]),
        ]);
        let signature = der::bits(&self.signer.sign(&tbs)?);
        Ok(der::sequence(&[&tbs, &algorithm, &signature]))
    }

    fn extensions(&self, request: &Request<'_>) -> Result<Vec<u8>, IssueError> {
        let own = der::value(tag::OCTET_STRING, &key_id(request.spki)?);
        let issuer = key_id(self.signer.public_key_spki())?;
        let mut extensions = match request.purpose {
            Purpose::Authority => vec![
                extension("2.5.29.19", true, &der::sequence(&[&der::value(tag::BOOLEAN, &[0xff])])),
                // keyCertSign and cRLSign: bits 5 and 6.
                extension("2.5.29.15", true, &der::value(tag::BIT_STRING, &[1, 0b0000_0110])),
            ],
            Purpose::Messages(usages) => {
                let usages = usages.iter().flat_map(|usage| der::value(tag::OID, &der::oid(usage)));
                let usages = der::value(tag::SEQUENCE, &usages.collect::<Vec<u8>>());
                vec![
                    // digitalSignature and nonRepudiation: bits 0 and 1.
                    extension("2.5.29.15", true, &der::value(tag::BIT_STRING, &[6, 0b1100_0000])),
                    extension("2.5.29.37", false, &usages),
                ]
            }
        };
        extensions.push(extension("2.5.29.14", false, &own));
        // `[0]`, primitive.
        extensions.push(extension("2.5.29.35", false, &der::sequence(&[&der::value(0x80, &issuer)])));
        Ok(der::value(tag::SEQUENCE, &extensions.concat()))
    }
}

/// A certificate or a key as PEM (RFC 7468).
#[must_use]
pub fn pem(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    let body = STANDARD.encode(der);
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text + &format!("-----END {label}-----\n")
}

/// The identifier of a key: 160 bits of the SHA-256 of its BIT STRING (RFC 7093, 2, method 1).
fn key_id(spki: &[u8]) -> Result<Vec<u8>, IssueError> {
    let hash = sha256(key_bits(spki).map_err(|_| IssueError::Key)?);
    Ok(hash.iter().take(20).copied().collect())
}

/// Algorithm of a signature; its parameters are NULL, also in certificates of НУЦ.
fn algorithm(algorithm: SignatureAlgorithm) -> Result<Vec<u8>, SignError> {
    let identifier = algorithm.oid().ok_or(SignError::Kind)?;
    Ok(der::sequence(&[&der::value(tag::OID, identifier), &der::value(tag::NULL, &[])]))
}

fn extension(identifier: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    // FALSE is the default, which DER leaves out.
    let critical = if critical { der::value(tag::BOOLEAN, &[0xff]) } else { Vec::new() };
    let identifier = der::value(tag::OID, &der::oid(identifier));
    der::sequence(&[&identifier, &critical, &der::value(tag::OCTET_STRING, value)])
}

/// `UTCTime` through the year 2049, `GeneralizedTime` after it (RFC 5280, 4.1.2.5).
fn time(seconds: i64) -> Result<Vec<u8>, IssueError> {
    let at = OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| IssueError::Validity)?;
    let (year, month, day) = at.to_calendar_date();
    let (hour, minute, second) = at.to_hms();
    let rest = format!("{:02}{day:02}{hour:02}{minute:02}{second:02}Z", u8::from(month));
    match year {
        1950..=2049 => Ok(der::value(tag::UTC_TIME, format!("{:02}{rest}", year % 100).as_bytes())),
        2050..=9999 => Ok(der::value(tag::GENERALIZED_TIME, format!("{year}{rest}").as_bytes())),
        _ => Err(IssueError::Validity),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::Distrust;
    use crate::trust::certificate::{Certificate, KeyUsage};
    use crate::trust::gost::Scheme;
    use crate::trust::path::Authorities;
    use crate::trust::role::Role;
    use crate::trust::sign::{EcSigner, GostSigner, RsaSigner};
    use std::process::Command;

    /// 2026-04-01T07:00:00Z.
    const NOW: i64 = 1_775_026_800;
    const ROLES: [&str; 2] = ["1.2.398.3.3.4.1.2", "1.2.398.3.3.4.1.2.6"];

    fn ca_name() -> Name {
        Name::new(&[(Attribute::CommonName, "KDP SANDBOX CA (ТЕСТ)"), (Attribute::Country, "KZ")])
    }

    fn leaf_name() -> Name {
        Name::new(&[
            (Attribute::System, "1.2.398.6.99.2"),
            (Attribute::CommonName, "ИС «BANK»"),
            (Attribute::Country, "KZ"),
            (Attribute::Organisation, "АО «Банк»"),
            (Attribute::Unit, "BIN260140990117"),
        ])
    }

    fn request<'a>(subject: &'a Name, signer: &'a dyn Signer, purpose: Purpose<'a>) -> Request<'a> {
        let spki = signer.public_key_spki();
        Request { subject, spki, serial: &[0x81, 2], validity: (NOW, NOW + 86_400), purpose }
    }

    /// An authority of this key, and what it issues to that one.
    fn pair(authority: &dyn Signer, own: &dyn Signer) -> (Vec<u8>, Vec<u8>) {
        let (ca, leaf) = (ca_name(), leaf_name());
        let issuer = Issuer { name: &ca, signer: authority };
        let root = issuer.issue(&request(&ca, authority, Purpose::Authority)).unwrap();
        (root, issuer.issue(&request(&leaf, own, Purpose::Messages(&ROLES))).unwrap())
    }

    fn signers() -> [Box<dyn Signer>; 3] {
        let gost = |scheme| Box::new(GostSigner::generate(scheme).unwrap());
        [Box::new(RsaSigner::generate(2048).unwrap()), gost(Scheme::Gost2004), gost(Scheme::Gost2015)]
    }

    #[test]
    fn every_kind_of_key_issues_to_every_kind_a_certificate_with_a_path() {
        let (authorities, owners) = (signers(), signers());
        for authority in &authorities {
            for own in &owners {
                let (root, leaf) = pair(&**authority, &**own);
                let (root, leaf) = [root, leaf].map(|der| Certificate::from_der(&der).unwrap()).into();
                assert!(root.is_authority() && root.signs_lists() && root.is_self_issued() && root.is_test());
                assert_eq!(root.is_signed_by(&root), Ok(()));
                assert_eq!(leaf.is_signed_by(&root), Ok(()));
                assert_eq!((leaf.validity, leaf.serial.as_str()), ((NOW, NOW + 86_400), "33026"));
                assert_eq!(leaf.role, Some(Role::InformationSystem));
                assert_eq!(leaf.bin.as_deref(), Some("260140990117"));
                assert_eq!(leaf.system.as_deref(), Some("1.2.398.6.99.2"));
                assert_eq!(leaf.issuer_key_id, root.key_id);
                assert_ne!(leaf.key_id, root.key_id);
                let usage = KeyUsage {
                    digital_signature: true,
                    non_repudiation: true,
                    certificates: false,
                    lists: false,
                };
                assert_eq!(leaf.usage, Some(usage));
                assert_eq!(leaf.spki(), own.public_key_spki());
                assert_eq!(leaf.may_sign(NOW), Ok(()));
                assert_eq!(root.may_sign(NOW), Err(Distrust::Usage));
                let mut pinned = Authorities::default();
                pinned.add(root).unwrap();
                assert!(pinned.path(&leaf).is_ok());
            }
        }
    }

    #[test]
    fn the_same_name_with_another_key_did_not_issue_it() {
        let [rsa, _, gost] = signers();
        let (root, _) = pair(&*gost, &*rsa);
        let other = GostSigner::generate(Scheme::Gost2015).unwrap();
        let (_, leaf) = pair(&other, &*rsa);
        let (root, leaf) = [root, leaf].map(|der| Certificate::from_der(&der).unwrap()).into();
        assert_eq!(leaf.is_signed_by(&root), Err(Distrust::IssuerSignature));
        assert!(!leaf.names_as_issuer(&root), "the identifiers of the keys differ");
    }

    #[test]
    fn openssl_reads_them_and_verifies_those_of_rsa() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let openssl = |arguments: &[&str]| {
            let output = Command::new("openssl").args(arguments).current_dir(directory.path()).output();
            let output = output.expect("openssl is installed: ./test says so");
            let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            (output.status.success(), text)
        };
        let [rsa, old, _] = signers();
        let (root, leaf) = pair(&*rsa, &RsaSigner::generate(2048).unwrap());
        std::fs::write(path("ca.pem"), pem("CERTIFICATE", &root)).unwrap();
        std::fs::write(path("leaf.pem"), pem("CERTIFICATE", &leaf)).unwrap();
        let at = (NOW + 10).to_string();
        let verify = ["verify", "-x509_strict", "-attime", &at, "-CAfile", "ca.pem", "leaf.pem"];
        let (verified, text) = openssl(&verify);
        assert!(verified, "{text}");
        let shown = openssl(&["x509", "-in", "leaf.pem", "-noout", "-text"]).1;
        for line in [
            "Version: 3 (0x2)",
            "Not Before: Apr  1 07:00:00 2026 GMT",
            "Digital Signature, Non Repudiation",
            "X509v3 Key Usage: critical",
            "1.2.398.3.3.4.1.2, 1.2.398.3.3.4.1.2.6",
            "OU = BIN260140990117",
        ] {
            assert!(shown.contains(line), "{line} is not in\n{shown}");
        }
        let (root, _) = pair(&*old, &*rsa);
        std::fs::write(path("gost.pem"), pem("CERTIFICATE", &root)).unwrap();
        let shown = openssl(&["x509", "-in", "gost.pem", "-noout", "-text"]).1;
        for line in ["CA:TRUE", "Certificate Sign, CRL Sign", "Public Key Algorithm: 1.2.398.3.10.1.1.1.1"] {
            assert!(shown.contains(line), "{line} is not in\n{shown}");
        }
    }

    #[test]
    fn all_but_the_signature_follows_from_what_is_given() {
        let [rsa, _, gost] = signers();
        assert_eq!(pair(&*rsa, &*gost), pair(&*rsa, &*gost));
        let ((one, _), (two, _)) = (pair(&*gost, &*rsa), pair(&*gost, &*rsa));
        assert_eq!(one.len(), two.len());
        assert_eq!(one[..one.len() - 128], two[..two.len() - 128]);
    }

    #[test]
    fn times_turn_at_the_year_2050() {
        for (seconds, tag, text) in [
            (NOW, tag::UTC_TIME, "260401070000Z"),
            (-631_152_000, tag::UTC_TIME, "500101000000Z"),
            (2_524_607_999, tag::UTC_TIME, "491231235959Z"),
            (2_524_608_000, tag::GENERALIZED_TIME, "20500101000000Z"),
            (253_402_300_799, tag::GENERALIZED_TIME, "99991231235959Z"),
        ] {
            assert_eq!(time(seconds), Ok(der::value(tag, text.as_bytes())), "{text}");
        }
        for seconds in [-631_152_001, 253_402_300_800, i64::MIN, i64::MAX] {
            assert_eq!(time(seconds), Err(IssueError::Validity));
        }
    }

    #[test]
    fn what_no_certificate_can_hold_is_refused() {
        let gost = GostSigner::generate(Scheme::Gost2004).unwrap();
        let name = leaf_name();
        let sound = request(&name, &gost, Purpose::Messages(&ROLES));
        let issue = |request: &Request<'_>| Issuer { name: &name, signer: &gost }.issue(request).map(drop);
        assert_eq!(issue(&sound), Ok(()));
        assert_eq!(issue(&Request { serial: &[0x7f; 20], ..sound }), Ok(()));
        for serial in [&[][..], &[0, 0], &[0xff; 20], &[1; 21]] {
            assert_eq!(issue(&Request { serial, ..sound }), Err(IssueError::Serial));
        }
        assert_eq!(issue(&Request { validity: (NOW, NOW - 1), ..sound }), Err(IssueError::Validity));
        assert_eq!(issue(&Request { spki: b"none", ..sound }), Err(IssueError::Key));
        let ec = EcSigner::generate().unwrap();
        let refused = Issuer { name: &name, signer: &ec }.issue(&sound);
        assert_eq!(refused, Err(IssueError::Sign(SignError::Kind)));
    }
}
