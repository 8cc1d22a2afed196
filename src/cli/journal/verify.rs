//! `kdp journal verify`.

use super::word;
use crate::cli::access::Login;
use crate::cli::argument::{self, Installation, Location};
use crate::cli::{Exit, Failure, Outcome, Progress, Result};
use clap::ArgGroup;
use kdp::journal::Chain;
use kdp::journal::exported::{self, Verdict};
use kdp::journal::head::Keys;
use kdp::journal::verify::{Break, Found, Part, Task, verify};
use kdp::operator::duty::Errand;
use kdp::store::seal::{hex, unhex};
use kdp::text::Lang;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// Verifies the journal, record by record and head by head, and names the first place that does not hold
///
/// Of an installation, also while it serves; or of an export, with nothing but the file. Exit 0: unbroken; 1: broken; 2:
/// not readable, or not allowed.
#[derive(clap::Args)]
#[command(
    group(ArgGroup::new("journal").required(true).args(["config", "data", "file"])),
    after_help = "Example:\n  kdp journal verify --config /etc/kdp/kdp.toml\n  \
                  kdp journal verify --file journal-2026-03.jsonl --jwks jwks.json"
)]
pub struct Args {
    /// The configuration of a service
    #[arg(long)]
    config: Option<PathBuf>,
    /// The data directory of a sandbox, running or not
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// An export of `kdp journal export`
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "head"])]
    file: Option<PathBuf>,
    #[command(flatten)]
    login: Login,
    /// The keys of the service as it published them; without them an export is held against the keys in itself
    #[arg(long, value_name = "FILE", requires = "file")]
    jwks: Option<PathBuf>,
    /// The first record; the chain before it is believed
    #[arg(long, value_name = "SEQ", default_value_t = 1, value_parser = clap::value_parser!(i64).range(1..))]
    from: i64,
    /// A head that the log shows, seq:chain; repeatable
    #[arg(long, value_name = "SEQ:CHAIN", value_parser = head)]
    head: Vec<(i64, Chain)>,
    /// Language of the verdict: kk, ru or en
    #[arg(long, default_value = "ru", value_parser = argument::lang)]
    lang: Lang,
    #[arg(
        help = "Print {unbroken, broken: {code, seq, …}, records, last, chain, heads, confirmed, …}",
        long
    )]
    json: bool,
}

fn head(text: &str) -> std::result::Result<(i64, Chain), &'static str> {
    let (seq, chain) = text.split_once(':').ok_or("a head is a number, a colon and 64 hexadecimal digits")?;
    let seq = seq.parse().ok().filter(|seq| *seq > 0).ok_or("a record's number is more than 0")?;
    Ok((seq, unhex(chain).ok_or("the chain is 64 hexadecimal digits")?))
}

/// Verifies.
pub async fn run(args: Args, errand: Errand) -> Result {
    if let Some(path) = &args.file {
        return of_file(path, &args);
    }
    let at = Installation { place: Location { config: args.config, data: args.data }, login: args.login };
    // A refusal must not look like a broken journal.
    let access = at.open_as(errand).await.map_err(|refused| Failure { exit: Exit::Unusable, ..refused })?;
    let keys = Keys::of_ring(&access.registry().await?.keys);
    let mut known = args.head.clone();
    known.sort_unstable();
    let mut progress = Progress::default();
    let task = Task { keys: &keys, from: args.from, known: &known };
    let found = verify(access.journal(), task, |last| progress.at(last, "records")).await?;
    drop(progress);
    let end = access.journal().journal_end().await?;
    let unsigned = (end.seq - found.confirmed.unwrap_or(args.from - 1)).max(0);
    let value = told(&found, &json!({ "unsigned": unsigned }));
    let outcome = Outcome::either(args.json, &value, || {
        let mut text = word::found(&found, args.lang);
        if found.broken.is_none() {
            let _ = writeln!(text, "{}", word::unsigned(unsigned, args.lang));
        }
        if args.from > 1 {
            let _ = writeln!(text, "{}", word::begun(args.from, args.lang));
        }
        text
    });
    Ok(Outcome { exit: exit(found.broken.is_none()), ..outcome })
}

fn of_file(path: &Path, args: &Args) -> Result {
    let cannot = |why: String| Failure::unusable(format!("{}: {why}", path.display()));
    let given = args.jwks.as_ref().map(|path| -> Result<Keys> {
        let text = argument::text_file(path)?;
        Keys::of_jwks(&text).map_err(|error| Failure::unusable(format!("{}: {error}", path.display())))
    });
    let given = given.transpose()?;
    let file = std::fs::File::open(path).map_err(|error| cannot(error.kind().to_string()))?;
    let mut progress = Progress::default();
    let verdict = exported::verify(&mut BufReader::with_capacity(1 << 16, file), given.as_ref(), |last| {
        progress.at(last, "records");
    });
    drop(progress);
    let verdict = verdict.map_err(|error| cannot(error.to_string()))?;
    let outcome = Outcome::either(args.json, &told_file(&verdict, given.is_some()), || {
        word::export(&verdict, given.is_some(), args.lang)
    });
    Ok(Outcome { exit: exit(verdict.holds()), ..outcome })
}

fn exit(holds: bool) -> Exit {
    if holds { Exit::Accepted } else { Exit::Refused }
}

/// What was found, with more members over it.
fn told(found: &Found, more: &Value) -> Value {
    let told = json!({
        "unbroken": found.broken.is_none(), "broken": found.broken.as_ref().map(broken),
        "records": found.records, "last": found.last, "chain": hex(&found.chain),
        "heads": found.heads, "confirmed": found.confirmed,
    });
    merged(told, more)
}

fn told_file(verdict: &Verdict, given: bool) -> Value {
    let mut export = json!(verdict.header);
    if let Some(export) = export.as_object_mut() {
        export.remove("jwks");
    }
    let more = json!({
        "unbroken": verdict.holds(), "file": verdict.file.map(exported::FileFlaw::code),
        "keys": if given { "given" } else { "file" }, "heads_by_file_keys": verdict.heads_by_file,
        "export": export,
    });
    told(&verdict.found, &more)
}

/// A break with its code and numbers.
pub fn broken(broken: &Break) -> Value {
    let more = match *broken {
        Break::Changed { part: Part::Content, .. } => json!({ "part": "content" }),
        Break::Changed { part: Part::Chain, .. } => json!({ "part": "chain" }),
        Break::Changed { part: Part::Either, .. } => json!({ "part": "either" }),
        Break::Missing { from, to } | Break::Rebuilt { from, to } => json!({ "from": from, "to": to }),
        Break::Removed { count, .. } => json!({ "count": count }),
        Break::Cut { last, known } => json!({ "last": last, "known": known, "count": known - last }),
        Break::Head { flaw, .. } => json!({ "flaw": flaw.word() }),
        Break::Inserted { .. } | Break::Swapped { .. } | Break::Replaced { .. } => json!({}),
    };
    merged(json!({ "code": broken.code(), "seq": broken.seq() }), &more)
}

fn merged(mut value: Value, more: &Value) -> Value {
    if let (Some(value), Some(more)) = (value.as_object_mut(), more.as_object()) {
        value.extend(more.clone());
    }
    value
}
