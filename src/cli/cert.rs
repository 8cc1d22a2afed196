//! `kdp cert show`.

pub mod word;

use super::trusted::{Revoked, Trusted};
use super::{Exit, Outcome, Result, argument};
use clap::Subcommand;
use kdp::clock;
use kdp::store::seal::hex;
use kdp::text::Lang;
use kdp::trust::Distrust;
use kdp::trust::certificate::Certificate;
use kdp::trust::path::Authorities;
use serde_json::json;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use word::{Words, words};

/// Looks at certificates.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp cert show gateway.cer --lang ru")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Show(Show),
}

/// Says whose a certificate is, of which kind, who issued it, whether it is valid and revoked, and what it may sign
///
/// Exit 0: it may sign messages at the time asked about; 1: it may not; 2: it is not readable.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp cert show gateway.cer --crl nca_gost_2022.crl --at 2026-04-01T12:00:00+05:00"
)]
struct Show {
    /// The certificate, PEM or DER
    file: PathBuf,
    #[command(flatten)]
    trusted: Trusted,
    /// kk, ru or en
    #[arg(long, default_value = "en", value_parser = argument::lang)]
    lang: Lang,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs a subcommand.
pub async fn run(args: &Args) -> Result {
    let Command::Show(args) = &args.command;
    let certificate = argument::certificate(&args.file)?;
    let (at, authorities) = (args.trusted.at()?, args.trusted.authorities()?);
    let revoked = args.trusted.revoked(&certificate, &authorities, at).await?;
    let view = View::new(&certificate, &authorities, revoked, at);
    let text = if args.json { format!("{}\n", view.json()) } else { view.text(args.lang) };
    let exit = if view.problems.is_empty() { Exit::Accepted } else { Exit::Refused };
    Ok(Outcome { text, exit })
}

/// What is shown of a certificate.
struct View<'a> {
    certificate: &'a Certificate,
    at: i64,
    revoked: Revoked,
    path: Vec<Arc<Certificate>>,
    /// Why it may not sign messages.
    problems: Vec<Problem>,
}

/// Why a certificate may not sign messages; the code is that of `--json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    NotYetValid,
    Expired,
    Usage,
    Key,
    Untrusted,
    IssuerSignature,
    Revoked,
    Stale,
    Unknown,
}

impl Problem {
    fn of(distrust: Distrust) -> Self {
        match distrust {
            Distrust::NotYetValid => Self::NotYetValid,
            Distrust::Expired => Self::Expired,
            Distrust::Usage => Self::Usage,
            Distrust::Untrusted => Self::Untrusted,
            Distrust::IssuerSignature | Distrust::IssuerAlgorithm => Self::IssuerSignature,
            _ => Self::Key,
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::NotYetValid => "not-yet-valid",
            Self::Expired => "expired",
            Self::Usage => "wrong-usage",
            Self::Key => "key-not-accepted",
            Self::Untrusted => "unknown-authority",
            Self::IssuerSignature => "issuer-signature",
            Self::Revoked => "revoked",
            Self::Stale => "list-stale",
            Self::Unknown => "revocation-unknown",
        }
    }
}

impl<'a> View<'a> {
    fn new(certificate: &'a Certificate, authorities: &Authorities, revoked: Revoked, at: i64) -> Self {
        let path = authorities.path(certificate);
        let in_question = match revoked {
            Revoked::NotChecked | Revoked::No => None,
            Revoked::Since(_) => Some(Problem::Revoked),
            Revoked::Stale(_) => Some(Problem::Stale),
            Revoked::Unknown => Some(Problem::Unknown),
        };
        let refused = [certificate.key().err(), certificate.may_sign(at).err(), path.as_ref().err().copied()];
        let problems = refused.into_iter().flatten().map(Problem::of).chain(in_question).collect();
        Self { certificate, at, revoked, path: path.unwrap_or_default(), problems }
    }

    /// What it may sign: messages, data, certificates.
    fn may_sign(&self) -> [bool; 3] {
        let certificate = self.certificate;
        let messages = self.problems.is_empty();
        let data = messages && certificate.usage.is_some_and(|usage| usage.non_repudiation);
        [messages, data, certificate.is_authority()]
    }

    fn json(&self) -> serde_json::Value {
        let certificate = self.certificate;
        let [messages, data, certificates] = self.may_sign();
        let revoked = match self.revoked {
            Revoked::NotChecked => json!("not-checked"),
            Revoked::No => json!("no"),
            Revoked::Since(since) => json!({ "since": moment(since) }),
            Revoked::Stale(since) => json!({ "list_stale_since": moment(since) }),
            Revoked::Unknown => json!("unknown"),
        };
        let path: Vec<_> = self.path.iter().map(|authority| authority.subject_text.clone()).collect();
        json!({
            "subject": certificate.subject_text, "issuer": certificate.issuer_text,
            "serial": certificate.serial, "serial_hex": serial_hex(certificate),
            "sha256": hex(&certificate.fingerprint),
            "role": certificate.role, "bin": certificate.bin, "iin": certificate.iin,
            "system": certificate.system, "key": self.key(),
            "not_before": moment(certificate.validity.0), "not_after": moment(certificate.validity.1),
            "at": moment(self.at), "path": path, "revoked": revoked,
            "may_sign": { "messages": messages, "data": data, "certificates": certificates },
            "problems": self.problems.iter().map(|problem| problem.code()).collect::<Vec<_>>(),
        })
    }

    fn key(&self) -> Option<&'static str> {
        self.certificate.key().ok().map(|key| key.algorithm().title())
    }

    fn text(&self, lang: Lang) -> String {
        let (words, certificate) = (words(lang), self.certificate);
        let path = self.path.iter().map(|authority| format!("← {}", authority.subject_text));
        let yes = |is: bool| if is { words.yes } else { words.no };
        let [messages, data, certificates] = self.may_sign();
        let rows = [
            (words.holder, Some(certificate.subject_text.clone())),
            (words.role, certificate.role.map(|role| words.role_name(role).to_owned())),
            (words.bin, certificate.bin.clone()),
            (words.iin, certificate.iin.clone()),
            (words.system, certificate.system.clone()),
            (words.key, Some(self.key().unwrap_or(words.problem(Problem::Key)).to_owned())),
            (words.issuer, Some(certificate.issuer_text.clone())),
            (words.path, Some(path.collect::<Vec<_>>().join(" ")).filter(|path| !path.is_empty())),
            (words.serial, Some(format!("{} ({})", serial_hex(certificate), certificate.serial))),
            ("SHA-256", Some(hex(&certificate.fingerprint))),
            (words.valid, Some(self.validity(words))),
            (words.revoked, Some(self.revocation(words))),
            (words.messages, Some(yes(messages).to_owned())),
            (words.data, Some(yes(data).to_owned())),
            (words.certificates, Some(yes(certificates).to_owned())),
        ];
        let rows = rows.into_iter().filter_map(|(name, value)| Some(vec![name.to_owned(), value?]));
        let mut text = argument::table(&rows.collect::<Vec<_>>());
        for problem in &self.problems {
            let _ = writeln!(text, "{}: {}", words.refused, words.problem(*problem));
        }
        text
    }

    fn validity(&self, words: &Words) -> String {
        let (from, until) = self.certificate.validity;
        format!("{} — {} ({} {})", moment(from), moment(until), words.asked_at, moment(self.at))
    }

    fn revocation(&self, words: &Words) -> String {
        match self.revoked {
            Revoked::NotChecked => words.not_checked.to_owned(),
            Revoked::No => words.no.to_owned(),
            Revoked::Since(since) => format!("{} {}", words.since, moment(since)),
            Revoked::Stale(since) => format!("{} {}", words.stale_since, moment(since)),
            Revoked::Unknown => words.problem(Problem::Unknown).to_owned(),
        }
    }
}

/// Astana's time, as everywhere in the service.
fn moment(at: i64) -> String {
    clock::text(at.saturating_mul(1000))
}

/// The serial number as authorities print it.
fn serial_hex(certificate: &Certificate) -> String {
    certificate.serial_bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
