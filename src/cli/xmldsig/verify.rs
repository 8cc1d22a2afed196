//! `kdp xmldsig verify`.

use super::word::{self, Step, Words};
use crate::cli::trusted::{Revoked, Trusted};
use crate::cli::{Exit, Failure, Outcome, Result, argument, cert};
use kdp::clock;
use kdp::text::Lang;
use kdp::trust::Distrust;
use kdp::trust::certificate::Certificate;
use kdp::trust::data_signature::{Signature, Signed, masked};
use kdp::trust::path::Authorities;
use kdp::xml::{Document, Limits};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Verifies the enveloped signatures of an XML file: each with those made after it left out
///
/// Shows of each signature whether the document was changed after it, who signed it, by what algorithm, and who issued
/// the certificate. Without --crl and --ocsp it is not checked whether a certificate was revoked, and the output says so.
/// Exit 0: all signatures hold; 1: one does not, or there is none; 2: the file is not readable.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp xmldsig verify contract.xml --trust test-ca.pem --at 2026-04-01T12:00:00+05:00 --lang ru"
)]
pub struct Args {
    /// The signed document
    file: PathBuf,
    #[command(flatten)]
    trusted: Trusted,
    /// Language: kk, ru or en
    #[arg(long, default_value = "en", value_parser = argument::lang)]
    lang: Lang,
    /// Print {"accepted", "error", "signatures": [{"accepted", "algorithm", "steps", "signer", "revoked"}]}
    #[arg(long)]
    json: bool,
}

/// A file is its reader's own: deep and wide documents are read, as far as memory is bounded.
pub fn limits() -> Limits {
    Limits {
        depth: 1000,
        nodes: 2_000_000,
        attributes_total: 200_000,
        attributes_per_element: 1000,
        name_bytes: 1024,
    }
}

/// Verifies a file.
pub async fn run(args: &Args) -> Result {
    let bytes = argument::file(&args.file)?;
    let (at, authorities) = (args.trusted.at()?, args.trusted.authorities()?);
    let document = Document::parse(&bytes, &limits())
        .map_err(|error| Failure::unusable(format!("{}: {error}", args.file.display())))?;
    let mut verdict = Verdict { error: None, signatures: Vec::new() };
    match Signed::document(&document) {
        Err(error) => verdict.error = Some(error),
        Ok(signed) => {
            for signature in &signed.signatures {
                let mut found = Found::of(signature, &authorities, at);
                if let Some(signer) = &found.signer {
                    found.revoked = args.trusted.revoked(signer, &authorities, at).await?;
                }
                verdict.signatures.push(found);
            }
        }
    }
    Ok(verdict.report(args.lang, args.json))
}

struct Verdict {
    /// Why there are no signatures to be shown.
    error: Option<Distrust>,
    signatures: Vec<Found>,
}

/// What was found out about one signature.
struct Found {
    algorithm: Option<&'static str>,
    /// In order; what could not be tried any more is not among them.
    steps: Vec<(Step, std::result::Result<(), Distrust>)>,
    signer: Option<Certificate>,
    revoked: Revoked,
}

impl Found {
    fn of(
        signature: &std::result::Result<Signature<'_, '_>, Distrust>,
        authorities: &Authorities,
        at: i64,
    ) -> Self {
        let revoked = Revoked::NotChecked;
        let signature = match signature {
            Ok(signature) => signature,
            Err(error) => {
                return Self {
                    algorithm: None,
                    steps: vec![(Step::Form, Err(*error))],
                    signer: None,
                    revoked,
                };
            }
        };
        let algorithm = Some(signature.algorithm().title());
        let unchanged = signature.is_unchanged();
        let mut steps = vec![(Step::Form, Ok(())), (Step::Content, unchanged)];
        let signer = match signature.certificate() {
            Ok(certificate) => certificate,
            Err(error) => {
                steps.push((Step::Certificate, Err(error)));
                return Self { algorithm, steps, signer: None, revoked };
            }
        };
        if unchanged.is_ok() {
            steps.push((Step::Value, signature.verify(&signer)));
        }
        steps.push((Step::Certificate, signer.may_sign_data(at)));
        steps.push((Step::Issuer, authorities.path(&signer).map(|_| ())));
        Self { algorithm, steps, signer: Some(signer), revoked }
    }

    fn is_accepted(&self) -> bool {
        self.steps.iter().all(|(_, result)| result.is_ok())
            && matches!(self.revoked, Revoked::No | Revoked::NotChecked)
    }

    fn json(&self, lang: Lang) -> Value {
        let steps: Vec<Value> = self
            .steps
            .iter()
            .map(|(step, result)| {
                let error = result.as_ref().err().map(|error| word::why(*error, lang));
                json!({ "step": step.code(), "ok": result.is_ok(), "error": error })
            })
            .collect();
        let signer = self.signer.as_ref().map(|signer| {
            json!({
                "subject": word::name(&signer.subject_text), "role": signer.role, "bin": signer.bin,
                "iin": signer.iin.as_deref().map(masked), "system": signer.system, "serial": signer.serial,
                "issuer": word::name(&signer.issuer_text), "not_before": time(signer.validity.0),
                "not_after": time(signer.validity.1),
            })
        });
        let revoked = match self.revoked {
            Revoked::NotChecked => json!("not-checked"),
            Revoked::No => json!("no"),
            Revoked::Since(since) => json!({ "since": time(since) }),
            Revoked::Stale(since) => json!({ "list_stale_since": time(since) }),
            Revoked::Unknown => json!("unknown"),
        };
        json!({
            "accepted": self.is_accepted(), "algorithm": self.algorithm, "steps": steps, "signer": signer,
            "revoked": revoked,
        })
    }

    fn rows(&self, words: &Words, lang: Lang) -> Vec<Vec<String>> {
        let row = |name: &str, value: String| vec![format!("  {name}"), value];
        let mut rows = Vec::new();
        if let Some(signer) = &self.signer {
            rows.push(row(words.signer, word::name(&signer.subject_text)));
            let number = |name: &str, value: &Option<String>| value.as_ref().map(|n| format!("{name} {n}"));
            let about = [
                signer.role.map(|role| cert::word::words(lang).role_name(role).to_owned()),
                number(words.bin, &signer.bin),
                number(words.iin, &signer.iin.as_deref().map(masked)),
            ];
            let about: Vec<String> = about.into_iter().flatten().collect();
            if !about.is_empty() {
                rows.push(row("", about.join(", ")));
            }
            rows.push(row(words.issuer, word::name(&signer.issuer_text)));
            let (from, to) = signer.validity;
            rows.push(row(words.valid, format!("{} … {}", time(from), time(to))));
        }
        if let Some(algorithm) = self.algorithm {
            rows.push(row(words.algorithm, algorithm.to_owned()));
        }
        for (step, result) in &self.steps {
            let text = match result {
                Ok(()) => step.good(lang).to_owned(),
                Err(error) => format!("{}: {}", words.no, word::why(*error, lang)),
            };
            rows.push(row(step.title(lang), text));
        }
        let no = |text: &str| format!("{}: {text}", words.no);
        let revoked = match self.revoked {
            Revoked::NotChecked => words.not_checked.to_owned(),
            Revoked::No => words.not_revoked.to_owned(),
            Revoked::Since(since) => no(&format!("{} {}", words.revoked_since, time(since))),
            Revoked::Stale(since) => no(&format!("{} {}", words.stale_since, time(since))),
            Revoked::Unknown => no(words.revocation_unknown),
        };
        rows.push(row(words.revocation, revoked));
        rows
    }
}

impl Verdict {
    fn is_accepted(&self) -> bool {
        !self.signatures.is_empty() && self.signatures.iter().all(Found::is_accepted)
    }

    fn report(&self, lang: Lang, json: bool) -> Outcome {
        let error = self.error.map(|error| word::why(error, lang));
        let signatures: Vec<Value> = self.signatures.iter().map(|found| found.json(lang)).collect();
        let value = json!({ "accepted": self.is_accepted(), "error": error, "signatures": signatures });
        let outcome = Outcome::either(json, &value, || self.text(lang));
        Outcome { exit: if self.is_accepted() { Exit::Accepted } else { Exit::Refused }, ..outcome }
    }

    fn text(&self, lang: Lang) -> String {
        let words = word::words(lang);
        let mut rows = Vec::new();
        for (at, found) in self.signatures.iter().enumerate() {
            rows.push(vec![format!("{} {}/{}", words.signature, at + 1, self.signatures.len())]);
            rows.extend(found.rows(words, lang));
        }
        // What stands in a certificate is a stranger's word until it is believed, and is shown on a terminal.
        let clean = |cell: String| cell.replace(char::is_control, "\u{fffd}");
        let rows: Vec<Vec<String>> =
            rows.into_iter().map(|row| row.into_iter().map(clean).collect()).collect();
        let verdict = match self.error {
            Some(error) => format!("{}: {}", words.refused, word::why(error, lang)),
            None if self.is_accepted() => words.accepted.to_owned(),
            None => words.refused.to_owned(),
        };
        argument::table(&rows) + &verdict + "\n"
    }
}

fn time(seconds: i64) -> String {
    clock::text(seconds.saturating_mul(1000))
}
