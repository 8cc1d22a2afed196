//! The cryptography of an exchange that nothing can spare it, by the same calls as the service makes, on the bytes
//! of a real exchange.

use crate::installation::pki;
use crate::load::Sample;
use crate::process::thread_time;
use crate::reply::{find, text};
use crate::table::micros;
use kdp::token::jws::TokenKey as _;
use kdp::token::ovt::OvtKey;
use kdp::trust::algorithm::sha256;
use kdp::trust::certificate::{Certificate, decode};
use kdp::trust::sign::{EcSigner, RsaSigner, Signer};
use kdp::xml::c14n::{self, Method};
use kdp::xml::{Document, Limits};
use std::fs;
use std::hint::black_box;
use std::thread;

/// How often each part is repeated in one measurement, on each core: so many slices of so many repetitions.
const SLICES: usize = 20;
const SLICE: usize = 25;

/// What is measured, with its name.
struct Part {
    name: &'static str,
    work: Box<dyn Fn() + Send + Sync>,
}

/// Operations that belong together.
pub struct Cryptography {
    parts: Vec<Part>,
}

/// What a transport signature covers, canonical, and its value.
struct Signed {
    body: Vec<u8>,
    /// `ds:SignedInfo`.
    info: Vec<u8>,
    value: Vec<u8>,
}

impl Signed {
    fn read(message: &[u8]) -> Self {
        let document = Document::parse(message, &Limits::default()).expect("XML");
        let canonical = |name| {
            let mut bytes = Vec::new();
            c14n::write(find(&document, name), &Method::EXCLUSIVE, &mut bytes).expect("a canonical form");
            bytes
        };
        let value = decode(&text(&document, "SignatureValue")).expect("base64");
        Self { body: canonical("Body"), info: canonical("SignedInfo"), value }
    }
}

/// CPU time of one repetition of each part, µs.
pub struct Cost {
    pub parts: Vec<(&'static str, f64)>,
}

impl Cost {
    pub fn total(&self) -> f64 {
        self.parts.iter().map(|(_, cost)| cost).sum()
    }
}

fn fixture(name: &str) -> String {
    fs::read_to_string(pki(name)).expect("a fixture")
}

/// One text of a message.
fn element(message: &[u8], name: &str) -> String {
    text(&Document::parse(message, &Limits::default()).expect("XML"), name)
}

/// What is signed of a compact JWS, and the signature.
fn halves(compact: &str) -> (Vec<u8>, String) {
    let (signed, signature) = compact.rsplit_once('.').expect("a compact JWS");
    (signed.as_bytes().to_vec(), signature.to_owned())
}

impl Cryptography {
    /// Of the envelopes alone: verify the caller's, sign ours.
    pub fn of_envelopes(sample: &Sample) -> Self {
        let gateway = Certificate::from_file(fixture("shep.cert.pem").as_bytes()).expect("a certificate");
        let service = RsaSigner::from_pem(&fixture("service.key.pem")).expect("a private key");
        let (request, answer) = (Signed::read(&sample.request), Signed::read(&sample.answer));
        let verify = move || {
            let Signed { body, info, value } = &request;
            gateway.key().and_then(|key| key.verify(black_box(info), value)).expect("it is signed");
            black_box(sha256(black_box(body)));
        };
        let sign = move || {
            black_box(sha256(black_box(&answer.body)));
            drop(black_box(service.sign(black_box(&answer.info)).expect("a signature")));
        };
        Self { parts: vec![part("verify the envelope", verify), part("sign the answer", sign)] }
    }

    /// Of a grant by method 2: its tokens too.
    pub fn of_grant(sample: &Sample) -> Self {
        let bank = OvtKey::from_pem(&fixture("bank.cert.pem"), None).expect("a public key");
        // As large as the service's own key of security tokens, which does not leave it.
        let token_key = RsaSigner::from_pem(&fixture("token-1.key.pem")).expect("a private key");
        let (ovt, signature) = halves(&element(&sample.request, "ovt"));
        let (token, _) = halves(&sample.issued().compact);
        let verify = move || bank.check(black_box(&ovt), &signature).expect("it is signed");
        let sign = move || drop(black_box(token_key.sign(black_box(&token)).expect("a signature")));
        let mut all = Self::of_envelopes(sample);
        all.parts.push(part("verify the verification token", verify));
        all.parts.push(part("sign the security token", sign));
        all
    }

    /// Of the receipt that a token check brings.
    pub fn of_receipt(sample: &Sample) -> Self {
        let key = EcSigner::generate().expect("a private key");
        let (receipt, _) = halves(&element(&sample.answer, "receipt"));
        let sign = move || drop(black_box(key.sign(black_box(&receipt)).expect("a signature")));
        Self { parts: vec![part("sign the receipt (ES256)", sign)] }
    }

    /// Measures on all cores at once, as they are busy under load too.
    pub fn measure(&self) -> Cost {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let costs: Vec<Vec<f64>> = thread::scope(|scope| {
            let threads: Vec<_> = (0..cores).map(|_| scope.spawn(|| self.measure_here())).collect();
            threads.into_iter().map(|thread| thread.join().expect("nothing here panics")).collect()
        });
        let mean = |part: usize| costs.iter().map(|cost| cost[part]).sum::<f64>() / costs.len() as f64;
        Cost { parts: self.parts.iter().enumerate().map(|(n, part)| (part.name, mean(n))).collect() }
    }

    fn measure_here(&self) -> Vec<f64> {
        let mut costs = vec![0.0; self.parts.len()];
        for slice in 0..=SLICES {
            for (part, cost) in self.parts.iter().zip(&mut costs) {
                let before = thread_time();
                (0..SLICE).for_each(|_| (part.work)());
                // The first slice warms up.
                if slice > 0 {
                    *cost += micros(thread_time().saturating_sub(before)) / (SLICES * SLICE) as f64;
                }
            }
        }
        costs
    }
}

fn part(name: &'static str, work: impl Fn() + Send + Sync + 'static) -> Part {
    Part { name, work: Box::new(work) }
}
