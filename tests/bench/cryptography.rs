//! The unavoidable cryptography of a grant, by the same calls as the service makes: verify the envelope, verify
//! the verification token, sign the security token, sign the answer.

use crate::load::Sample;
use crate::process::thread_time;
use crate::reply::{find, text};
use crate::stand::pki;
use crate::table::micros;
use kdp::token::ovt::OvtKey;
use kdp::trust::algorithm::sha256;
use kdp::trust::certificate::{Certificate, decode};
use kdp::trust::sign::{RsaSigner, Signer as _};
use kdp::xml::c14n::{self, Method};
use kdp::xml::{Document, Limits};
use std::fs;
use std::hint::black_box;
use std::thread;

pub const PARTS: [&str; 4] =
    ["verify the envelope", "verify the verification token", "sign the security token", "sign the answer"];

/// How often each part is repeated in one measurement, on each core: so many slices of so many repetitions.
const SLICES: usize = 20;
const SLICE: usize = 25;

/// Keys and bytes of one real exchange.
pub struct Cryptography {
    gateway: Certificate,
    bank: OvtKey,
    /// As large as the service's own key of security tokens, which does not leave it.
    token_key: RsaSigner,
    service: RsaSigner,
    request: Signed,
    answer: Signed,
    ovt: String,
    token: String,
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

/// CPU time of one repetition of each of [`PARTS`], µs.
pub struct Cost {
    pub parts: [f64; 4],
}

impl Cost {
    pub fn total(&self) -> f64 {
        self.parts.iter().sum()
    }
}

impl Cryptography {
    pub fn of(sample: &Sample) -> Self {
        let read = |name: &str| fs::read_to_string(pki(name)).expect("a fixture");
        let key = |name| RsaSigner::from_pem(&read(name)).expect("a private key");
        let element =
            |message: &[u8], name| text(&Document::parse(message, &Limits::default()).expect("XML"), name);
        Self {
            gateway: Certificate::from_file(read("shep.cert.pem").as_bytes()).expect("a certificate"),
            bank: OvtKey::from_pem(&read("bank.cert.pem"), None).expect("a public key"),
            token_key: key("token-1.key.pem"),
            service: key("service.key.pem"),
            request: Signed::read(&sample.request),
            answer: Signed::read(&sample.answer),
            ovt: element(&sample.request, "ovt"),
            token: sample.token(),
        }
    }

    /// Measures on all cores at once, as they are busy under load too.
    pub fn measure(&self) -> Cost {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let costs: Vec<Cost> = thread::scope(|scope| {
            let threads: Vec<_> = (0..cores).map(|_| scope.spawn(|| self.measure_here())).collect();
            threads.into_iter().map(|thread| thread.join().expect("nothing here panics")).collect()
        });
        let mean = |part: usize| costs.iter().map(|cost| cost.parts[part]).sum::<f64>() / costs.len() as f64;
        Cost { parts: std::array::from_fn(mean) }
    }

    fn measure_here(&self) -> Cost {
        let (ovt, ovt_signature) = self.ovt.rsplit_once('.').expect("a compact JWS");
        let (token, _) = self.token.rsplit_once('.').expect("a compact JWS");
        let work: [&dyn Fn(); 4] = [
            &|| {
                let Signed { body, info, value } = &self.request;
                self.gateway.verify_rsa_sha256(black_box(info), value).expect("it is signed");
                black_box(sha256(black_box(body)));
            },
            &|| assert!(self.bank.verifies(black_box(ovt).as_bytes(), ovt_signature), "it is signed"),
            &|| drop(black_box(self.token_key.sign(black_box(token).as_bytes()).expect("a signature"))),
            &|| {
                black_box(sha256(black_box(&self.answer.body)));
                drop(black_box(self.service.sign(black_box(&self.answer.info)).expect("a signature")));
            },
        ];
        let mut parts = [0.0; 4];
        for slice in 0..=SLICES {
            for (work, part) in work.iter().zip(&mut parts) {
                let before = thread_time();
                (0..SLICE).for_each(|_| work());
                // The first slice warms up.
                if slice > 0 {
                    *part += micros(thread_time().saturating_sub(before)) / (SLICES * SLICE) as f64;
                }
            }
        }
        Cost { parts }
    }
}
