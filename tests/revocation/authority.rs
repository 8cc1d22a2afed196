//! An authority for tests and benchmarks: it issues certificates, lists of revoked ones, and answers of OCSP,
//! also such as none should.

use kdp::trust::certificate::Certificate;
use kdp::trust::der::{self, Reader, tag};
use kdp::trust::gost::Scheme;
use kdp::trust::sign::{GostSigner, RsaSigner, Signer};
use time::OffsetDateTime;

/// 1 April 2026, Unix seconds.
pub const NOW: i64 = 1_775_026_800;
pub const DAY: i64 = 86_400;
/// `keyUsage` of authorities: keyCertSign and cRLSign.
pub const AUTHORITY_USAGE: [u8; 2] = [1, 0x06];
/// `keyUsage` of signers: digitalSignature and nonRepudiation.
pub const SIGNER_USAGE: [u8; 2] = [6, 0xc0];

/// What a certificate says.
pub struct Saying<'a> {
    pub subject: &'a [u8],
    pub spki: &'a [u8],
    pub serial: &'a [u8],
    pub from: i64,
    pub until: i64,
    pub is_authority: bool,
    /// Unused bits and bits.
    pub usage: [u8; 2],
    /// `extKeyUsage`, dotted.
    pub purposes: &'a [&'a str],
}

/// A key with a certificate, which may issue others.
pub struct Authority {
    pub name: Vec<u8>,
    pub certificate: Certificate,
    key: Box<dyn Signer>,
}

/// A key of the fixtures: making one takes long.
pub fn rsa(name: &str) -> Box<dyn Signer> {
    let path = format!("{}/fixtures/pki/{name}.key.pem", env!("CARGO_MANIFEST_DIR"));
    Box::new(RsaSigner::from_pem(&std::fs::read_to_string(path).unwrap()).unwrap())
}

pub fn gost(scheme: Scheme) -> Box<dyn Signer> {
    Box::new(GostSigner::generate(scheme).unwrap())
}

/// A name with a CN, and with a BIN if there is one.
pub fn name(common: &str, bin: Option<&str>) -> Vec<u8> {
    let attribute = |oid, value: &str| {
        let pair = [der::value(tag::OID, &der::oid(oid)), der::value(tag::UTF8_STRING, value.as_bytes())];
        der::value(tag::SET, &der::sequence(&[&pair[0], &pair[1]]))
    };
    let unit = bin.map(|bin| attribute("2.5.4.11", &format!("BIN{bin}"))).unwrap_or_default();
    der::sequence(&[&unit, &attribute("2.5.4.3", common)])
}

/// `UTCTime`
pub fn time(at: i64) -> Vec<u8> {
    der::value(tag::UTC_TIME, &digits(at).as_bytes()[2..])
}

/// `GeneralizedTime`
pub fn long_time(at: i64) -> Vec<u8> {
    der::value(tag::GENERALIZED_TIME, digits(at).as_bytes())
}

fn digits(at: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(at).unwrap();
    let (hour, minute, second) = at.to_hms();
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}Z")
}

pub fn extension(oid: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[tag::BOOLEAN, 1, 0xff] } else { &[] };
    der::sequence(&[&der::value(tag::OID, &der::oid(oid)), critical, &der::value(tag::OCTET_STRING, value)])
}

pub fn algorithm(key: &dyn Signer) -> Vec<u8> {
    der::sequence(&[&der::value(tag::OID, key.algorithm().oid().unwrap()), &[tag::NULL, 0]])
}

pub fn sha1(bytes: &[u8]) -> Vec<u8> {
    ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref().to_vec()
}

/// The bits of a key.
pub fn bits(spki: &[u8]) -> &[u8] {
    let mut reader = Reader::new(spki).enter(tag::SEQUENCE).unwrap();
    reader.any().unwrap();
    reader.bits().unwrap()
}

/// SEQUENCE { what is signed, algorithm, signature, rest }
pub fn signed(tbs: &[u8], key: &dyn Signer, rest: &[u8]) -> Vec<u8> {
    let signature = der::bits(&key.sign(tbs).unwrap());
    der::sequence(&[tbs, &algorithm(key), &signature, rest])
}

fn issue(saying: &Saying<'_>, issuer: &[u8], key: &dyn Signer) -> Vec<u8> {
    let purposes: Vec<u8> =
        saying.purposes.iter().flat_map(|oid| der::value(tag::OID, &der::oid(oid))).collect();
    let mut extensions = vec![
        extension(
            "2.5.29.35",
            false,
            &der::sequence(&[&der::value(0x80, &sha1(bits(key.public_key_spki())))]),
        ),
        extension("2.5.29.14", false, &der::value(tag::OCTET_STRING, &sha1(bits(saying.spki)))),
        extension("2.5.29.15", true, &der::value(tag::BIT_STRING, &saying.usage)),
    ];
    if saying.is_authority {
        extensions.push(extension("2.5.29.19", true, &der::sequence(&[&[tag::BOOLEAN, 1, 0xff]])));
    }
    if !purposes.is_empty() {
        extensions.push(extension("2.5.29.37", false, &der::value(tag::SEQUENCE, &purposes)));
    }
    let tbs = der::sequence(&[
        &der::value(tag::context(0), &der::integer(&[2])),
        &der::integer(saying.serial),
        &algorithm(key),
        issuer,
        &der::sequence(&[&time(saying.from), &time(saying.until)]),
        saying.subject,
        saying.spki,
        &der::value(tag::context(3), &der::value(tag::SEQUENCE, &extensions.concat())),
    ]);
    signed(&tbs, key, &[])
}

impl Authority {
    /// A root of this name.
    pub fn root(common: &str, key: Box<dyn Signer>) -> Self {
        Self::saying(common, key, AUTHORITY_USAGE)
    }

    pub fn saying(common: &str, key: Box<dyn Signer>, usage: [u8; 2]) -> Self {
        let subject = name(common, None);
        let saying = Saying { is_authority: true, usage, ..of(&subject, key.public_key_spki(), &[1]) };
        let certificate = Certificate::from_der(&issue(&saying, &subject, &*key)).unwrap();
        Self { name: subject, certificate, key }
    }

    /// The same root, valid then; Unix seconds.
    pub fn during(self, from: i64, until: i64) -> Self {
        let spki = self.key.public_key_spki();
        let saying =
            Saying { is_authority: true, usage: AUTHORITY_USAGE, from, until, ..of(&self.name, spki, &[1]) };
        let certificate = self.issue(&saying);
        Self { certificate, ..self }
    }

    /// An authority below this one.
    pub fn below(&self, common: &str, key: Box<dyn Signer>, serial: &[u8]) -> Self {
        let subject = name(common, None);
        let saying = Saying {
            is_authority: true,
            usage: AUTHORITY_USAGE,
            ..of(&subject, key.public_key_spki(), serial)
        };
        let certificate = self.issue(&saying);
        Self { name: subject, certificate, key }
    }

    pub fn issue(&self, saying: &Saying<'_>) -> Certificate {
        Certificate::from_der(&issue(saying, &self.name, &*self.key)).unwrap()
    }

    /// The same, read once more: certificates are not copied.
    pub fn again(&self) -> Certificate {
        Certificate::from_der(self.certificate.der()).unwrap()
    }

    pub fn key(&self) -> &dyn Signer {
        &*self.key
    }
}

/// The usage of an information system of a legal entity.
const SYSTEM: &[&str] = &["1.2.398.3.3.4.1.2", "1.2.398.3.3.4.1.2.6"];

/// A signer's certificate that is as it should be.
pub fn of<'a>(subject: &'a [u8], spki: &'a [u8], serial: &'a [u8]) -> Saying<'a> {
    let (from, until) = (NOW - 365 * DAY, NOW + 365 * DAY);
    Saying { subject, spki, serial, from, until, is_authority: false, usage: SIGNER_USAGE, purposes: SYSTEM }
}

/// What a list says, each part as DER.
#[derive(Clone)]
pub struct ListSaying {
    pub version: Vec<u8>,
    pub algorithm: Vec<u8>,
    /// That around the list, if it is another.
    pub outer_algorithm: Option<Vec<u8>>,
    pub issuer: Vec<u8>,
    pub this_update: Vec<u8>,
    pub next_update: Vec<u8>,
    pub entries: Vec<u8>,
    pub extensions: Vec<Vec<u8>>,
}

impl ListSaying {
    /// A full list with these entries, from NOW − 1 hour to NOW + 1 day.
    pub fn full(authority: &Authority, number: u32, entries: &[Vec<u8>]) -> Self {
        let key_id = sha1(bits(authority.key.public_key_spki()));
        Self {
            version: der::integer(&[1]),
            algorithm: algorithm(&*authority.key),
            outer_algorithm: None,
            issuer: authority.name.clone(),
            this_update: time(NOW - 3600),
            next_update: time(NOW + DAY),
            entries: if entries.is_empty() {
                Vec::new()
            } else {
                der::value(tag::SEQUENCE, &entries.concat())
            },
            extensions: vec![
                extension("2.5.29.35", false, &der::sequence(&[&der::value(0x80, &key_id)])),
                extension("2.5.29.20", false, &der::integer(&number.to_be_bytes())),
            ],
        }
    }

    /// The same, that amends the full list of number `base`.
    pub fn delta(authority: &Authority, number: u32, base: u32, entries: &[Vec<u8>]) -> Self {
        let mut list = Self::full(authority, number, entries);
        list.extensions.push(extension("2.5.29.27", true, &der::integer(&base.to_be_bytes())));
        list
    }

    pub fn during(self, from: i64, until: i64) -> Self {
        Self { this_update: time(from), next_update: time(until), ..self }
    }

    pub fn tbs(&self) -> Vec<u8> {
        let extensions = der::value(tag::context(0), &der::value(tag::SEQUENCE, &self.extensions.concat()));
        der::sequence(&[
            &self.version,
            &self.algorithm,
            &self.issuer,
            &self.this_update,
            &self.next_update,
            &self.entries,
            if self.extensions.is_empty() { &[] } else { &extensions },
        ])
    }

    pub fn signed(&self, key: &dyn Signer) -> Vec<u8> {
        let tbs = self.tbs();
        let algorithm = self.outer_algorithm.as_ref().unwrap_or(&self.algorithm);
        der::sequence(&[&tbs, algorithm, &der::bits(&key.sign(&tbs).unwrap())])
    }
}

/// An entry of a list; `reason` as in `CRLReason`.
pub fn entry(serial: &[u8], since: i64, reason: Option<u8>) -> Vec<u8> {
    let reason = reason.map(|reason| {
        der::sequence(&[&extension("2.5.29.21", false, &der::value(tag::ENUMERATED, &[reason]))])
    });
    der::sequence(&[&der::integer(serial), &time(since), reason.as_deref().unwrap_or_default()])
}
