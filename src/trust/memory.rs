//! What was found out about certificates, so that the next message under one costs its own signature alone.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

/// Most certificates that are remembered.
const MOST: usize = 4096;

/// Findings by the SHA-256 of the certificate. Only what somebody signed with its key may be put here: certificates
/// are public, and whoever shows those of others must not push out what is known of the peers.
pub struct Memory<T>(RwLock<HashMap<[u8; 32], T>>);

impl<T> Default for Memory<T> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<T: Clone> Memory<T> {
    /// What is known of the certificate with this fingerprint.
    pub fn recall(&self, fingerprint: &[u8; 32]) -> Option<T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(fingerprint).cloned()
    }

    /// Keeps it, if it is not known yet.
    pub fn remember(&self, fingerprint: [u8; 32], finding: impl FnOnce() -> T) {
        if self.0.read().unwrap_or_else(PoisonError::into_inner).contains_key(&fingerprint) {
            return;
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(fingerprint, finding());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::soap::envelope::Envelope;
    use crate::trust::certificate::Certificate;
    use crate::trust::data_signature::{self, DataDistrust, Signed};
    use crate::trust::outgoing::{EnvelopeSigner, KeyInfoForm};
    use crate::trust::sign::RsaSigner;
    use crate::trust::{Distrust, Peer, PeerKind, Trust};
    use crate::xml::{Document, Limits, Writer};
    use std::sync::Arc;

    /// `now` of fixtures/world.json, Unix seconds.
    const AT: i64 = 1_775_026_800;
    const AUTHORITY: &[u8] = include_bytes!("../../fixtures/pki/ca.pem");
    const BANK: &[u8] = include_bytes!("../../fixtures/pki/bank.cert.pem");
    const KEY: &str = include_str!("../../fixtures/pki/bank.key.pem");

    fn trust() -> Trust {
        let mut trust = Trust::default();
        trust.add_authority(Certificate::from_file(AUTHORITY).unwrap()).unwrap();
        trust.believe_chained(Arc::new(Peer::new("any", PeerKind::Direct(None))));
        trust
    }

    fn length<T>(memory: &Memory<T>) -> usize {
        memory.0.read().unwrap().len()
    }

    /// The same with another signature value.
    fn spoilt(message: &[u8]) -> Vec<u8> {
        let text = std::str::from_utf8(message).unwrap();
        let (before, value) = text.split_once("SignatureValue>").unwrap();
        let first = if value.starts_with('A') { 'B' } else { 'A' };
        format!("{before}SignatureValue>{first}{}", &value[1..]).into_bytes()
    }

    #[test]
    fn a_certificate_that_somebody_shows_without_its_key_is_not_remembered() {
        let trust = trust();
        let key = RsaSigner::from_pem(KEY).unwrap();
        let bank = || Certificate::from_file(BANK).unwrap();
        let content = |writer: &mut Writer<'_>| {
            writer.leaf("hello", "world");
        };
        let signer = EnvelopeSigner::new(
            Box::new(RsaSigner::from_pem(KEY).unwrap()),
            bank(),
            KeyInfoForm::Certificate,
        );
        let message = signer.envelope("id-1", content).unwrap();
        let verify = |message: &[u8]| {
            let document = Document::parse(message, &Limits::default()).unwrap();
            trust.verify_offline(&Envelope::read(&document).unwrap(), AT).map(|_| ())
        };
        assert_eq!(verify(&spoilt(&message)), Err(Distrust::SignatureValue));
        assert_eq!(length(&trust.known), 0);
        for _ in 0..2 {
            assert_eq!(verify(&message), Ok(()));
            assert_eq!(length(&trust.known), 1);
        }
        assert!(trust.known.recall(&bank().fingerprint).is_some());
        assert_eq!(verify(&spoilt(&message)), Err(Distrust::SignatureValue));

        let document = Document::parse(b"<data>1</data>", &Limits::default()).unwrap();
        let data = data_signature::sign(&document, &key, &bank(), &Limits::default()).unwrap();
        let verify = |data: &[u8]| {
            let document = Document::parse(data, &Limits::default()).unwrap();
            trust.signatories(Signed::document(&document), AT).map(|found| found.len())
        };
        assert_eq!(verify(&spoilt(&data)), Err(DataDistrust::One(1, Distrust::SignatureValue)));
        assert_eq!(length(&trust.signatories), 0);
        for _ in 0..2 {
            assert_eq!(verify(&data), Ok(1));
            assert_eq!(length(&trust.signatories), 1);
        }
    }

    #[test]
    fn what_is_remembered_stays_until_it_is_too_much() {
        let memory = Memory::default();
        let fingerprint = |n: usize| {
            let mut fingerprint = [0; 32];
            fingerprint[..8].copy_from_slice(&n.to_be_bytes());
            fingerprint
        };
        for n in 0..MOST {
            memory.remember(fingerprint(n), || n);
            memory.remember(fingerprint(n), || panic!("it is known"));
        }
        assert!((0..MOST).all(|n| memory.recall(&fingerprint(n)) == Some(n)));
        memory.remember(fingerprint(MOST), || MOST);
        assert_eq!((length(&memory), memory.recall(&fingerprint(MOST))), (1, Some(MOST)));
    }
}
