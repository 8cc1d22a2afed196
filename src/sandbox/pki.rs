//! Keys and certificates of the sandbox: generated once, or with `--seed` the test keys that are built in. Everybody
//! has two of each, RSA and ГОСТ, under an authority of the kind.

use super::crypto::{self, KeyKind};
use super::world::World;
use crate::serve::StartError;
use crate::trust::algorithm::sha256;
use crate::trust::gost::Scheme;
use crate::trust::issue::{Attribute, IssueError, Issuer, Name, Purpose, Request, pem};
use crate::trust::sign::{GostSigner, RsaSigner, SignError, Signer};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

macro_rules! built_in {
    ($($name:literal),* $(,)?) => {
        &[
            ("ca.pem", include_str!("../../fixtures/pki/ca.pem")),
            ("ca.gost.pem", include_str!("../../fixtures/pki/ca.gost.pem")),
            ("token-1.key.pem", include_str!("../../fixtures/pki/token-1.key.pem")),
            $(
                (concat!($name, ".key.pem"), include_str!(concat!("../../fixtures/pki/", $name, ".key.pem"))),
                (concat!($name, ".cert.pem"), include_str!(concat!("../../fixtures/pki/", $name, ".cert.pem"))),
                (
                    concat!($name, ".gost.key.pem"),
                    include_str!(concat!("../../fixtures/pki/", $name, ".gost.key.pem")),
                ),
                (
                    concat!($name, ".gost.cert.pem"),
                    include_str!(concat!("../../fixtures/pki/", $name, ".gost.cert.pem")),
                ),
            )*
        ]
    };
}

/// Generated test keys, also those of the fixtures.
const BUILT_IN: &[(&str, &str)] = built_in!(
    "service",
    "shep",
    "bank",
    "akimat",
    "stat",
    "newcomer",
    "owner",
    "egov",
    "sms1414",
    "clinic",
    "archive",
    "dormant",
    "candidate",
    "owner2",
);

/// A legal entity, and an information system of it (trust.md 3).
const ROLES: [&str; 2] = ["1.2.398.3.3.4.1.2", "1.2.398.3.3.4.1.2.6"];

/// Below it, OIDs of the invented information systems.
const SYSTEMS: &str = "1.2.398.6.99";

const DAY: i64 = 86_400;

/// Where the file of this name is.
#[must_use]
pub fn path(data: &Path, file: &str) -> PathBuf {
    data.join("pki").join(file)
}

/// A test key or certificate that is built in, PEM: everybody has it.
#[must_use]
pub fn published(file: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|(name, _)| *name == file).map(|(_, text)| *text)
}

/// Makes `pki/` in the data directory, unless it is there. `now` is Unix seconds.
///
/// # Errors
/// [`StartError`] when a file cannot be written or a key cannot be made.
pub fn make(data: &Path, world: &World, seeded: bool, now: i64) -> Result<(), StartError> {
    // Also in a directory that was made before there were keys of ГОСТ.
    for kind in [KeyKind::Rsa, KeyKind::Gost] {
        if path(data, kind.authority()).exists() {
            continue;
        }
        let directory = data.join("pki");
        std::fs::create_dir_all(&directory).map_err(|e| StartError::File(directory, e.kind()))?;
        let files = if seeded { built_in(kind) } else { generate(kind, authority_name(kind), world, now)? };
        // The certificate of the authority comes last: while it is missing, the rest is made again.
        for (file, text) in &files {
            write(&path(data, file), text)?;
        }
    }
    Ok(())
}

/// The key that follows another one, and its certificate: so certificates of ШЭП and of the service roll over.
pub const NEXT: &str = "next";

/// The file of a party's next key or certificate.
#[must_use]
pub fn next(name: &str, what: &str) -> String {
    format!("{name}.{NEXT}.{what}.pem")
}

/// Makes the next keys and certificates of the gateways and of the service, RSA, under another authority, unless they are
/// there. They are not those of a seed. `now` is Unix seconds.
///
/// # Errors
/// [`StartError`] when a file cannot be written or a key cannot be made.
pub fn make_next(data: &Path, world: &World, now: i64) -> Result<(), StartError> {
    let ca = path(data, &format!("ca.{NEXT}.pem"));
    if ca.exists() {
        return Ok(());
    }
    let gateways = world.peers.iter().filter(|peer| peer.kind == "gateway").cloned().collect();
    let few = World { peers: gateways, ..world.clone() };
    let rename = |file: String| file.replacen('.', &format!(".{NEXT}."), 1);
    let files = generate(KeyKind::Rsa, "KDP SANDBOX CA NEXT (TEST)", &few, now)?;
    for (file, text) in files.into_iter().filter(|(file, _)| !file.starts_with("token-")) {
        write(&path(data, &rename(file)), &text)?;
    }
    Ok(())
}

/// Names and texts of files, that of the authority last.
type Files = Vec<(String, String)>;

fn built_in(kind: KeyKind) -> Files {
    let of_kind = |file: &str| file.contains(".gost.") == (kind == KeyKind::Gost);
    let files = BUILT_IN.iter().rev().filter(|(file, _)| of_kind(file));
    files.map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect()
}

fn authority_name(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::Rsa => "KDP SANDBOX CA (TEST)",
        KeyKind::Gost => "KDP SANDBOX CA GOST (TEST)",
    }
}

fn generate(kind: KeyKind, name: &str, world: &World, now: i64) -> Result<Files, StartError> {
    let key = |scheme| key(kind, scheme).map_err(|e| failed(&e));
    let authority = key(Scheme::Gost2015)?;
    let name = Name::new(&[(Attribute::Country, "KZ"), (Attribute::CommonName, name)]);
    let authority = Authority { name, signer: authority, validity: validity(now) };
    let mut files = Files::new();
    for party in parties(world) {
        let own = key(crypto::scheme(party.name))?;
        let certificate = authority.issue_to(&party, &*own).map_err(|e| failed(&e))?;
        let private = own.to_pkcs8_der().map_err(|e| failed(&e))?;
        files.push((kind.file(party.name, "key"), pem("PRIVATE KEY", &private)));
        files.push((kind.file(party.name, "cert"), pem("CERTIFICATE", &certificate)));
    }
    if kind == KeyKind::Rsa {
        // Security tokens are signed by RSA whatever the messages are signed by.
        let token = key(Scheme::Gost2015)?.to_pkcs8_der().map_err(|e| failed(&e))?;
        files.push(("token-1.key.pem".to_owned(), pem("PRIVATE KEY", &token)));
    }
    let own = authority.own().map_err(|e| failed(&e))?;
    files.push((kind.authority().to_owned(), pem("CERTIFICATE", &own)));
    Ok(files)
}

fn failed(error: &dyn std::fmt::Display) -> StartError {
    StartError::Other(format!("the sandbox's keys could not be made: {error}"))
}

fn key(kind: KeyKind, scheme: Scheme) -> Result<Box<dyn Signer>, SignError> {
    Ok(match kind {
        KeyKind::Rsa => Box::new(RsaSigner::generate(2048)?),
        KeyKind::Gost => Box::new(GostSigner::generate(scheme)?),
    })
}

/// Ten years, of which three are past: the clock of the sandbox can be set back.
fn validity(now: i64) -> (i64, i64) {
    (now - 1096 * DAY, now + 2557 * DAY)
}

/// Who has a certificate.
struct Party<'a> {
    name: &'a str,
    organisation: &'a str,
    bin: &'a str,
    system: String,
}

/// Everybody of the world, the service last.
fn parties(world: &World) -> impl Iterator<Item = Party<'_>> {
    let peers = world.peers.iter().map(|peer| (&peer.name, &peer.organisation, &peer.bin));
    let service = (&world.service.name, &world.service.organisation, &world.service.bin);
    peers.chain([service]).zip(1..).map(|((name, organisation, bin), number)| Party {
        name,
        organisation,
        bin,
        system: format!("{SYSTEMS}.{number}"),
    })
}

/// An authority of the sandbox.
struct Authority {
    name: Name,
    signer: Box<dyn Signer>,
    validity: (i64, i64),
}

impl Authority {
    /// Its own certificate, DER.
    fn own(&self) -> Result<Vec<u8>, IssueError> {
        self.issue(&self.name, self.signer.public_key_spki(), Purpose::Authority)
    }

    /// The certificate of a party's key, DER.
    fn issue_to(&self, party: &Party<'_>, key: &dyn Signer) -> Result<Vec<u8>, IssueError> {
        let subject = Name::new(&[
            (Attribute::Country, "KZ"),
            (Attribute::Organisation, party.organisation),
            (Attribute::Unit, &format!("BIN{}", party.bin)),
            (Attribute::System, &party.system),
            (Attribute::CommonName, party.name),
        ]);
        self.issue(&subject, key.public_key_spki(), Purpose::Messages(&ROLES))
    }

    fn issue(&self, subject: &Name, spki: &[u8], purpose: Purpose<'_>) -> Result<Vec<u8>, IssueError> {
        // No key has two certificates, so that of its hash is a number of its own; below 2^127, which needs no sign.
        let mut serial = sha256(spki);
        serial[0] &= 0x7f;
        let serial = serial.get(..16).unwrap_or_default();
        let request = Request { subject, spki, serial, validity: self.validity, purpose };
        Issuer { name: &self.name, signer: &*self.signer }.issue(&request)
    }
}

/// Writes a file that its owner alone may read, whole or not at all.
///
/// # Errors
/// [`StartError::File`].
pub fn write(path: &Path, text: &str) -> Result<(), StartError> {
    let failed = |e: std::io::Error| StartError::File(path.to_owned(), e.kind());
    let new = path.with_extension("new");
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&new)
        .map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    std::fs::rename(&new, path).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::certificate::Certificate;
    use crate::trust::outgoing::{EnvelopeSigner, KeyInfoForm};
    use crate::trust::path::Authorities;
    use crate::trust::role::Role;
    use crate::trust::sign::{self, SignatureAlgorithm};
    use std::collections::HashSet;

    /// 2026-04-01T07:00:00Z.
    const NOW: i64 = 1_775_026_800;

    /// Holds that everybody has a key with a certificate of this kind under the authority, for ten years.
    fn are_sound(files: &Files, kind: KeyKind, world: &World) {
        let text = |name: &str| {
            let found = files.iter().find(|(file, _)| file == name);
            &*found.unwrap_or_else(|| panic!("no {name}")).1
        };
        let certificate = |name: &str| Certificate::from_file(text(name).as_bytes()).unwrap();
        assert_eq!(files.last().unwrap().0, kind.authority());
        let mut authorities = Authorities::default();
        authorities.add(certificate(kind.authority())).unwrap();
        let mut serials = HashSet::new();
        for party in parties(world) {
            let certificate = certificate(&kind.file(party.name, "cert"));
            assert_eq!(certificate.bin.as_deref(), Some(party.bin));
            assert_eq!(certificate.role, Some(Role::InformationSystem));
            assert!(certificate.system.is_some() && certificate.is_issued_by_test());
            assert!(certificate.validity.1 - certificate.validity.0 >= 3650 * DAY, "{}", party.name);
            assert_eq!(certificate.may_sign(NOW), Ok(()));
            assert!(authorities.path(&certificate).is_ok(), "{}", party.name);
            assert!(serials.insert(certificate.serial_bytes.clone()), "a serial number twice");
            let key = sign::from_pem(text(&kind.file(party.name, "key"))).unwrap();
            let algorithm = match (kind, crypto::scheme(party.name)) {
                (KeyKind::Rsa, _) => SignatureAlgorithm::RsaSha256,
                (KeyKind::Gost, Scheme::Gost2004) => SignatureAlgorithm::Gost2004,
                (KeyKind::Gost, Scheme::Gost2015) => SignatureAlgorithm::Gost2015,
            };
            assert_eq!(key.algorithm(), algorithm, "{}", party.name);
            assert!(EnvelopeSigner::new(key, certificate, KeyInfoForm::Certificate).fits(), "{}", party.name);
        }
    }

    #[test]
    fn everybody_in_the_world_has_built_in_keys_and_certificates() {
        let world = World::built_in().unwrap();
        for kind in [KeyKind::Rsa, KeyKind::Gost] {
            are_sound(&built_in(kind), kind, &world);
        }
    }

    #[test]
    fn everybody_is_given_keys_and_certificates_of_both_kinds() {
        let world = World::built_in().unwrap();
        // Who is there is enough of RSA, whose keys take long to make.
        let few = World { peers: world.peers.iter().take(2).cloned().collect(), ..world.clone() };
        for (kind, world) in [(KeyKind::Rsa, &few), (KeyKind::Gost, &world)] {
            are_sound(&generate(kind, authority_name(kind), world, NOW).unwrap(), kind, world);
        }
    }

    #[test]
    fn both_kinds_sign_in_a_mixed_sandbox_and_both_schemes_among_those_of_gost() {
        let world = World::built_in().unwrap();
        let names = || world.peers.iter().map(|peer| peer.name.as_str());
        let kinds: HashSet<_> = (0..world.peers.len()).map(|n| crypto::Crypto::Mixed.of_peer(n)).collect();
        assert_eq!(kinds.len(), 2);
        assert!(names().any(|name| crypto::scheme(name) == Scheme::Gost2004));
        let with_ovt = world.peers.iter().filter(|peer| peer.role == "initiator");
        assert!(with_ovt.clone().count() > 0);
        for peer in with_ovt {
            assert_eq!(crypto::scheme(&peer.name), Scheme::Gost2015, "GG2004 is off: {}", peer.name);
        }
    }
}
