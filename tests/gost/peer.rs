//! The independent oracle: OpenSSL with gost-engine (Debian: openssl, libengine-gost-openssl).
//!
//! It speaks RFC 9215, so that keys go out under its OIDs, and a signature, s ‖ r with the most significant byte first
//! there, is reversed as a whole. By ГОСТ 34.10-2015-512 it is given the message, and hashes it itself. By ГОСТ 34.310-2004
//! it is given our digest of 32 bytes: of ГОСТ 34.311-95 it knows the `CryptoPro` S-box alone, not the test one of НУЦ. That
//! digest is held by the examples of RFC 5831 and by what НУЦ signed.

use crate::vector::bytes;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use kdp::trust::gost::{GostError, PrivateKey, PublicKey, Scheme};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// Signatures of each side, on each curve.
const SIGNATURES: usize = 500;
/// Keys that make them.
const KEYS: usize = 10;

#[test]
fn openssl_accepts_500_signatures_of_ours_by_the_512_bit_scheme() {
    openssl_accepts_ours(Scheme::Gost2015);
}

#[test]
fn openssl_accepts_500_signatures_of_ours_by_the_256_bit_scheme() {
    openssl_accepts_ours(Scheme::Gost2004);
}

#[test]
fn we_accept_500_signatures_of_openssl_by_the_512_bit_scheme() {
    we_accept_its(Scheme::Gost2015);
}

#[test]
fn we_accept_500_signatures_of_openssl_by_the_256_bit_scheme() {
    we_accept_its(Scheme::Gost2004);
}

fn openssl_accepts_ours(scheme: Scheme) {
    let Some(peer) = Peer::new(scheme) else { return };
    for key in 0..KEYS {
        let private = PrivateKey::generate(scheme).unwrap();
        let der = [bytes(peer.key_header()), private.public_key().to_bytes()].concat();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", in_lines(&der));
        let file = peer.write("key.pem", pem.as_bytes());
        for number in 0..SIGNATURES / KEYS {
            let message = message(key, number);
            let signature = private.sign(&message).unwrap();
            assert!(peer.verifies(&file, &message, &signature), "key {key}, message {number}");
            if number == 0 {
                // Its yes means something.
                assert!(!peer.verifies(&file, &[&message[..], b"."].concat(), &signature));
            }
        }
    }
    println!("OpenSSL accepts {SIGNATURES} signatures of ours: {scheme:?}");
}

fn we_accept_its(scheme: Scheme) {
    let Some(peer) = Peer::new(scheme) else { return };
    for key in 0..KEYS {
        let (file, public) = peer.generate();
        let public = PublicKey::from_bytes(scheme, &public).unwrap();
        for number in 0..SIGNATURES / KEYS {
            let message = message(key, number);
            let signature = peer.sign(&file, &message);
            assert_eq!(public.verify(&message, &signature), Ok(()), "key {key}, message {number}");
            if number == 0 {
                let other = public.verify(&[&message[..], b"."].concat(), &signature);
                assert_eq!(other, Err(GostError::Mismatch));
            }
        }
    }
    println!("we accept {SIGNATURES} signatures of OpenSSL: {scheme:?}");
}

/// Of every length below 500 bytes, and none twice with one key.
fn message(key: usize, number: usize) -> Vec<u8> {
    let text = format!("{key} {number} ");
    text.bytes().cycle().take(number * KEYS + key).collect()
}

/// OpenSSL, and a folder for what it reads and writes.
struct Peer {
    scheme: Scheme,
    folder: TempDir,
}

impl Peer {
    /// None, said loudly, where there is no OpenSSL with this engine; `./test` fails then, and so does CI.
    fn new(scheme: Scheme) -> Option<Self> {
        let is_there = openssl(&["engine", "gost"]).is_some_and(|output| output.status.success());
        if is_there {
            return Some(Self { scheme, folder: tempfile::tempdir().unwrap() });
        }
        let missing = "no OpenSSL with gost-engine (Debian: libengine-gost-openssl): its verdict is missing";
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{missing}");
        // Past the capture of the test harness, which would swallow it.
        let _ = writeln!(std::io::stderr(), "SKIPPED: {missing}");
        None
    }

    /// What stands before x ‖ y in its keys: the public key of RFC 4491 (id-GostR3410-2001, CryptoPro-A) and that of
    /// RFC 9215 (id-tc26-gost3410-12-512, paramSetA).
    fn key_header(&self) -> &'static str {
        match self.scheme {
            Scheme::Gost2004 => {
                "3063301c06062a8503020213301206072a85030202230106072a850302021e01034300\
                 0440"
            }
            Scheme::Gost2015 => {
                "3081aa302106082a85030701010102301506092a850307010201020106082a85030701\
                 01020303818400048180"
            }
        }
    }

    /// A key of its own: the file, and x ‖ y.
    fn generate(&self) -> (PathBuf, Vec<u8>) {
        let (algorithm, set) = match self.scheme {
            Scheme::Gost2004 => ("gost2001", "paramset:A"),
            Scheme::Gost2015 => ("gost2012_512", "paramset:A"),
        };
        let (private, public) = (self.path("private.pem"), self.path("public.der"));
        let kind = ["-algorithm", algorithm, "-pkeyopt", set, "-out", text(&private)];
        run(&[&["genpkey", "-engine", "gost"], &kind[..]].concat());
        let output = ["-pubout", "-outform", "DER", "-out", text(&public)];
        run(&[&["pkey", "-engine", "gost", "-in", text(&private)], &output[..]].concat());
        let der = fs::read(public).unwrap();
        let point = der.strip_prefix(&bytes(self.key_header())[..]).unwrap();
        (private, point.to_vec())
    }

    /// Its signature, as r ‖ s little-endian.
    fn sign(&self, key: &Path, message: &[u8]) -> Vec<u8> {
        let (input, signature) = (self.input(message), self.path("signature"));
        match self.scheme {
            Scheme::Gost2004 => {
                let files = ["-inkey", text(key), "-in", text(&input), "-out", text(&signature)];
                run(&[&["pkeyutl", "-engine", "gost", "-sign"], &files[..]].concat());
            }
            Scheme::Gost2015 => {
                let files = ["-sign", text(key), "-out", text(&signature), text(&input)];
                run(&[&["dgst", "-engine", "gost", "-md_gost12_512"], &files[..]].concat());
            }
        }
        reversed(&fs::read(signature).unwrap())
    }

    fn verifies(&self, key: &Path, message: &[u8], signature: &[u8]) -> bool {
        let (input, signature) = (self.input(message), self.write("signature", &reversed(signature)));
        let (arguments, yes) = match self.scheme {
            Scheme::Gost2004 => {
                let files = ["-inkey", text(key), "-in", text(&input), "-sigfile", text(&signature)];
                let command = ["pkeyutl", "-engine", "gost", "-verify", "-pubin"];
                ([&command[..], &files].concat(), "Signature Verified Successfully")
            }
            Scheme::Gost2015 => {
                let files = ["-verify", text(key), "-signature", text(&signature), text(&input)];
                let command = ["dgst", "-engine", "gost", "-md_gost12_512"];
                ([&command[..], &files].concat(), "Verified OK")
            }
        };
        let output = openssl(&arguments).unwrap();
        let says_yes = String::from_utf8_lossy(&output.stdout).contains(yes);
        assert_eq!(output.status.success(), says_yes, "{output:?}");
        says_yes
    }

    /// What it signs: the message, or our digest of it.
    fn input(&self, message: &[u8]) -> PathBuf {
        match self.scheme {
            Scheme::Gost2004 => self.write("input", &self.scheme.digest(message)),
            Scheme::Gost2015 => self.write("input", message),
        }
    }

    fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn reversed(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().rev().copied().collect()
}

/// The body of a PEM file.
fn in_lines(der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    lines.join("\n")
}

fn run(arguments: &[&str]) {
    let output = openssl(arguments).unwrap();
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// None: there is no such program.
fn openssl(arguments: &[&str]) -> Option<Output> {
    Command::new("openssl").args(arguments).output().ok()
}
