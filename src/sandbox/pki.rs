//! Keys and certificates of the sandbox: generated once, or with `--seed` the test keys that are built in.

use super::world::World;
use crate::serve::StartError;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize,
};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use time::{Duration, OffsetDateTime};

macro_rules! built_in {
    ($($name:literal),* $(,)?) => {
        &[
            ("ca.pem", include_str!("../../fixtures/pki/ca.pem")),
            ("token-1.key.pem", include_str!("../../fixtures/pki/token-1.key.pem")),
            $(
                (concat!($name, ".key.pem"), include_str!(concat!("../../fixtures/pki/", $name, ".key.pem"))),
                (concat!($name, ".cert.pem"), include_str!(concat!("../../fixtures/pki/", $name, ".cert.pem"))),
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

/// Private use information: an information system of a legal entity, and a legal entity (trust.md 3).
const ROLES: [&[u64]; 2] = [&[1, 2, 398, 3, 3, 4, 1, 2, 6], &[1, 2, 398, 3, 3, 4, 1, 2]];

/// Where the file of this name is.
#[must_use]
pub fn path(data: &Path, file: &str) -> PathBuf {
    data.join("pki").join(file)
}

/// Makes `pki/` in the data directory, unless it is there. `now` is Unix seconds.
///
/// # Errors
/// [`StartError`] when a file cannot be written or a key cannot be made.
pub fn make(data: &Path, world: &World, seeded: bool, now: i64) -> Result<(), StartError> {
    if path(data, "ca.pem").exists() {
        return Ok(());
    }
    let directory = data.join("pki");
    std::fs::create_dir_all(&directory).map_err(|e| StartError::File(directory, e.kind()))?;
    if seeded {
        // The certificate of the authority comes last: while it is missing, the rest is made again.
        for (file, text) in BUILT_IN.iter().rev() {
            write(&path(data, file), text)?;
        }
        return Ok(());
    }
    let failed = |e: rcgen::Error| StartError::Other(format!("the sandbox's keys could not be made: {e}"));
    let ca_key = key().map_err(failed)?;
    let mut ca = params(now).map_err(failed)?;
    ca.distinguished_name.push(DnType::CountryName, "KZ");
    ca.distinguished_name.push(DnType::CommonName, "KDP SANDBOX CA (TEST)");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let ca_certificate = ca.self_signed(&ca_key).map_err(failed)?;
    let issuer = Issuer::new(ca, ca_key);
    let peers = world.peers.iter().map(|p| (&p.name, &p.organisation, &p.bin));
    let service = (&world.service.name, &world.service.organisation, &world.service.bin);
    for (name, organisation, bin) in peers.chain([service]) {
        let key = key().map_err(failed)?;
        let mut leaf = params(now).map_err(failed)?;
        leaf.distinguished_name.push(DnType::CountryName, "KZ");
        leaf.distinguished_name.push(DnType::OrganizationName, organisation.as_str());
        leaf.distinguished_name.push(DnType::OrganizationalUnitName, format!("BIN{bin}"));
        leaf.distinguished_name.push(DnType::CommonName, name.as_str());
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment];
        leaf.extended_key_usages = ROLES.map(|oid| ExtendedKeyUsagePurpose::Other(oid.to_vec())).to_vec();
        leaf.use_authority_key_identifier_extension = true;
        let certificate = leaf.signed_by(&key, &issuer).map_err(failed)?;
        write(&path(data, &format!("{name}.key.pem")), &key.serialize_pem())?;
        write(&path(data, &format!("{name}.cert.pem")), &certificate.pem())?;
    }
    write(&path(data, "token-1.key.pem"), &key().map_err(failed)?.serialize_pem())?;
    write(&path(data, "ca.pem"), &ca_certificate.pem())
}

fn key() -> Result<KeyPair, rcgen::Error> {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)
}

/// Valid for ten years, of which three are past: the clock of the sandbox can be set back.
fn params(now: i64) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    let from =
        OffsetDateTime::from_unix_timestamp(now).map_err(|_| rcgen::Error::Time)? - Duration::days(1096);
    params.not_before = from;
    params.not_after = from + Duration::days(1096 + 3653);
    Ok(params)
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

    #[test]
    fn everybody_in_the_world_has_a_built_in_key_and_certificate() {
        let world = World::built_in().unwrap();
        let names = world.peers.iter().map(|peer| &peer.name).chain([&world.service.name]);
        for file in names.flat_map(|name| ["key", "cert"].map(|kind| format!("{name}.{kind}.pem"))) {
            assert!(BUILT_IN.iter().any(|(built_in, _)| *built_in == file), "{file}");
        }
    }
}
