//! `kdp journal verify`.

use super::word;
use crate::cli::access::Login;
use crate::cli::argument::{self, Installation, Location};
use crate::cli::{Exit, Failure, Outcome, Progress, Result};
use clap::ArgGroup;
use kdp::clock;
use kdp::journal::Chain;
use kdp::journal::exported::{self, Terms, Verdict};
use kdp::journal::head::Keys;
use kdp::journal::outside::{self, OutsideError};
use kdp::journal::verify::{Break, Found, OfNode, Part, Tasks, chains, verify_all};
use kdp::operator::duty::Errand;
use kdp::store::journal::Trail;
use kdp::store::seal::{hex, unhex};
use kdp::text::Lang;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// Verifies the journal, record by record and head by head, and names the first place that does not hold
///
/// Of an installation, also while it serves; or of an export, with the file and the keys of the service. Exit 0: unbroken;
/// 1: broken; 2: not readable, not allowed, or nothing to hold it against.
///
/// On `PostgreSQL` each node has a chain of its own, and signs where those of the others end as well: all of them are verified,
/// and each is held against the heads of the others. So neither a whole chain nor its end, with the heads that covered it,
/// can be taken away or made anew, unless all heads of all nodes since then are, too.
///
/// What it proves: no record that a signed head covers was changed, taken out or put in without the key; and no message was
/// left without a head of its time, while the service ran and had a key. What it does not: who can write to the database
/// can change what was written since the last head, or half an hour before it and remove that head; he can date all
/// messages of a longer time anew, so that one head suffices; and put a whole older database in its place. Against these
/// there are copies that he cannot reach: --copy and --head. They are believed as they are.
#[derive(clap::Args)]
#[command(
    group(ArgGroup::new("journal").required(true).args(["config", "data", "file"])),
    group(ArgGroup::new("authority").args(["jwks", "unauthenticated"])),
    after_help = "Example:\n  kdp journal verify --config /etc/kdp/kdp.toml --copy /var/log/remote/kdp-journal.log\n  \
                  kdp journal verify --file journal-2026-03.jsonl --jwks jwks.json"
)]
pub struct Args {
    /// The configuration of a service
    #[arg(long)]
    config: Option<PathBuf>,
    /// The data directory of a sandbox, running or not
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// An export of `kdp journal export`; needs --jwks or --unauthenticated
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "copy"], requires = "authority")]
    file: Option<PathBuf>,
    #[command(flatten)]
    login: Login,
    /// The keys of the service as it published them
    #[arg(long, value_name = "FILE", requires = "file")]
    jwks: Option<PathBuf>,
    /// Take the keys from the export itself: shows that it is whole, and not who made it
    #[arg(long, requires = "file")]
    unauthenticated: bool,
    /// Believe no export that is signed by this key, whoever lists it; repeatable. A fresh --jwks leaves such keys out
    #[arg(long, value_name = "KID", requires = "file", value_parser = kid)]
    distrust: Vec<String>,
    /// The chain of this node alone, here or in the export; --from, --head and --copy are about it. Without it they are
    /// about the chain of the node in the configuration, and about an export of one chain
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// The first record; the chain before it is believed
    #[arg(long, value_name = "SEQ", default_value_t = 1, value_parser = clap::value_parser!(i64).range(1..))]
    from: i64,
    /// A head that is known from elsewhere: the log, a note, the end of another export; repeatable
    #[arg(long, value_name = "SEQ:CHAIN", value_parser = head)]
    head: Vec<(i64, Chain)>,
    /// Lines that left the installation: of the target journal.file or journal.syslog, an earlier export, the service's log;
    /// repeatable. Each that tells a record or a head is held against the journal
    #[arg(long, value_name = "FILE")]
    copy: Vec<PathBuf>,
    /// Language of the verdict: kk, ru or en
    #[arg(long, default_value = "ru", value_parser = argument::lang)]
    lang: Lang,
    #[arg(
        help = "Print {unbroken, broken: {code, seq, …}, records, last, chain, heads, confirmed, …}; of more chains than one \
                {unbroken, broken, records, heads, nodes: [{node, …}]}",
        long
    )]
    json: bool,
}

fn head(text: &str) -> std::result::Result<(i64, Chain), &'static str> {
    let (seq, chain) = text.split_once(':').ok_or("a head is a number, a colon and 64 hexadecimal digits")?;
    let seq = seq.parse().ok().filter(|seq| *seq > 0).ok_or("a record's number is more than 0")?;
    Ok((seq, unhex(chain).ok_or("the chain is 64 hexadecimal digits")?))
}

fn kid(text: &str) -> std::result::Result<String, &'static str> {
    let is_kid = text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    is_kid.then(|| text.to_owned()).ok_or("a key is named by 43 characters, as kdp keys list shows them")
}

/// Verifies.
pub async fn run(args: Args, errand: Errand) -> Result {
    let mut known = args.head.clone();
    known.sort_unstable();
    if let Some(path) = &args.file {
        return of_file(path, &known, &args);
    }
    if let Some((seq, _)) = known.first().filter(|(seq, _)| *seq + 1 < args.from) {
        return Err(Failure::unusable(format!(
            "--head {seq}: before --from, so nothing would be held against it"
        )));
    }
    let place = Location { config: args.config.clone(), data: args.data.clone() };
    let at = Installation { place, login: args.login.clone() };
    // A refusal must not look like a broken journal.
    let access = at.open_as(errand).await.map_err(|refused| Failure { exit: Exit::Unusable, ..refused })?;
    let (journal, keys) = (access.journal(), Keys::of_ring(&access.registry().await?.keys));
    let mut progress = Progress::default();
    let node = args.node.as_deref();
    let tasks = Tasks { keys: &keys, node, from: args.from, known: &known, now: access.now() };
    let mut all = verify_all(journal, &tasks, |last| progress.at(last, "records")).await?;
    let chains = chains(journal, &keys).await?;
    let mut told = Vec::new();
    for (place, mut one) in all.drain(..).enumerate() {
        // The one that was chosen comes first.
        let is_chosen = place == 0;
        let from = if is_chosen { args.from } else { 1 };
        let chain = chains.iter().find(|chain| chain.name == one.node);
        if let Some(chain) = chain.filter(|_| is_chosen) {
            for path in &args.copy {
                if one.found.broken.is_some() {
                    break;
                }
                let about = (one.node.as_deref(), args.from);
                let held = held(chain.trail(), about, path, &mut progress).await?;
                (one.found.broken, one.found.known) = (held.broken, one.found.known + held.values);
            }
        }
        let end = match chain {
            Some(chain) => chain.trail().journal_end().await?.seq,
            None => 0,
        };
        let unsigned = (end - one.confirmed().unwrap_or(from - 1)).max(0);
        told.push(Chained { one, unsigned, from });
    }
    drop(progress);
    if told.is_empty() {
        let node = args.node.unwrap_or_default();
        return Err(Failure::unusable(format!("--node {node}: no node of this name left a journal here")));
    }
    let outcome =
        Outcome::either(args.json, &merged_nodes(told.iter().map(Chained::value).collect()), || {
            let parts = told.iter().map(|part| part.text(args.lang));
            parts.collect::<Vec<_>>().join("\n")
        });
    Ok(Outcome { exit: exit(told.iter().all(|part| part.one.found.broken.is_none())), ..outcome })
}

/// What was found of one chain.
struct Chained {
    one: OfNode,
    /// Its last records, which no head confirms.
    unsigned: i64,
    from: i64,
}

impl Chained {
    fn value(&self) -> Value {
        told(&self.one.found, &merged(of_node(&self.one), &json!({ "unsigned": self.unsigned })))
    }

    fn text(&self, lang: Lang) -> String {
        let mut text = word::of_node(&self.one, lang);
        if self.one.found.broken.is_none() {
            let _ = writeln!(text, "{}", word::unsigned(self.unsigned, lang));
        }
        if self.from > 1 {
            let _ = writeln!(text, "{}", word::begun(self.from, lang));
        }
        text
    }
}

/// Whose chain it is, and what other nodes say of it; nothing, where there is one without a name.
fn of_node(one: &OfNode) -> Value {
    let Some(node) = &one.node else { return json!({}) };
    let witness = one
        .witness
        .as_ref()
        .map(|witness| json!({ "node": witness.node, "head": witness.head, "at": clock::text(witness.at) }));
    json!({ "node": node, "claims": one.claims, "attested": one.attested, "witness": witness })
}

/// One part as it is; of more, the whole with its parts.
fn merged_nodes(mut parts: Vec<Value>) -> Value {
    if parts.len() == 1 {
        return parts.remove(0);
    }
    let sum = |of: &str| parts.iter().filter_map(|part| part.get(of)?.as_u64()).sum::<u64>();
    let is_whole = |part: &Value| part.get("unbroken") == Some(&json!(true));
    let broken = parts.iter().find_map(|part| {
        let broken = part.get("broken").filter(|broken| !broken.is_null())?;
        Some(merged(broken.clone(), &json!({ "node": part.get("node") })))
    });
    json!({
        "unbroken": parts.iter().all(is_whole), "broken": broken, "records": sum("records"), "heads": sum("heads"),
        "nodes": parts,
    })
}

async fn held(
    journal: &dyn Trail,
    about: (Option<&str>, i64),
    path: &Path,
    progress: &mut Progress,
) -> Result<outside::Held> {
    let cannot = |why: String| Failure::unusable(format!("{}: {why}", path.display()));
    let file = std::fs::File::open(path).map_err(|error| cannot(error.kind().to_string()))?;
    let mut lines = BufReader::with_capacity(1 << 16, file);
    let held = outside::hold(journal, about, &mut lines, |seq| progress.at(seq, "records of the copy")).await;
    held.map_err(|error| match error {
        OutsideError::Store(error) => error.into(),
        error => cannot(error.to_string()),
    })
}

fn of_file(path: &Path, known: &[(i64, Chain)], args: &Args) -> Result {
    let cannot = |why: String| Failure::unusable(format!("{}: {why}", path.display()));
    let given = args.jwks.as_ref().map(|path| -> Result<Keys> {
        let text = argument::text_file(path)?;
        Keys::of_jwks(&text).map_err(|error| Failure::unusable(format!("{}: {error}", path.display())))
    });
    let given = given.transpose()?;
    let file = std::fs::File::open(path).map_err(|error| cannot(error.kind().to_string()))?;
    let mut progress = Progress::default();
    let node = args.node.as_deref();
    let terms = Terms { given: given.as_ref(), distrusted: &args.distrust, known, node };
    let mut lines = BufReader::with_capacity(1 << 16, file);
    let verdicts = exported::verify(&mut lines, terms, |last| progress.at(last, "records"));
    drop(progress);
    let verdicts = verdicts.map_err(|error| cannot(error.to_string()))?;
    // A file that is not whole is so for every chain in it.
    let is_asked = |verdict: &Verdict| node.is_none() || verdict.header.node.as_deref() == node;
    let (asked, others): (Vec<_>, Vec<_>) = verdicts.into_iter().partition(is_asked);
    if asked.is_empty() {
        return Err(cannot(format!("--node {}: the export has no such node", node.unwrap_or_default())));
    }
    if asked.len() > 1 && !known.is_empty() {
        return Err(cannot("--head: of which node? The export has several; give --node".to_owned()));
    }
    let holds = asked.iter().all(Verdict::holds) && others.iter().all(|verdict| verdict.file.is_none());
    for verdict in asked.iter().filter(|verdict| verdict.holds()) {
        let (first, last) = (verdict.header.after, verdict.found.last);
        let is_outside = |(seq, _): &&(i64, Chain)| *seq < first || *seq > last;
        if let Some((seq, _)) = known.iter().find(is_outside) {
            return Err(cannot(format!(
                "--head {seq}: the export has no such record (it follows {first}, to {last})"
            )));
        }
    }
    let told = asked.iter().chain(others.iter().filter(|verdict| verdict.file.is_some()));
    let told: Vec<_> = told.collect();
    let value = merged_nodes(told.iter().map(|verdict| told_file(verdict, given.is_some())).collect());
    let outcome = Outcome::either(args.json, &value, || {
        let parts = told.iter().map(|verdict| word::export(verdict, given.is_some(), args.lang));
        parts.collect::<Vec<_>>().join("\n")
    });
    Ok(Outcome { exit: exit(holds), ..outcome })
}

fn exit(holds: bool) -> Exit {
    if holds { Exit::Accepted } else { Exit::Refused }
}

/// What was found, with more members over it.
fn told(found: &Found, more: &Value) -> Value {
    let told = json!({
        "unbroken": found.broken.is_none(), "broken": found.broken.as_ref().map(broken),
        "records": found.records, "last": found.last, "chain": hex(&found.chain),
        "heads": found.heads, "known": found.known, "confirmed": found.confirmed, "taken_over": found.taken_over,
    });
    merged(told, more)
}

fn told_file(verdict: &Verdict, given: bool) -> Value {
    let mut export = json!(verdict.header);
    if let Some(export) = export.as_object_mut() {
        export.remove("jwks");
    }
    let node = verdict.header.node.as_ref().map_or(json!({}), |node| json!({ "node": node }));
    let more = json!({
        "unbroken": verdict.holds(), "file": verdict.file.map(exported::FileFlaw::code),
        "keys": if given { "given" } else { "file" }, "heads_by_file_keys": verdict.heads_by_file,
        "export": export,
    });
    told(&verdict.found, &merged(node, &more))
}

/// A break with its code and numbers.
pub fn broken(broken: &Break) -> Value {
    let more = match *broken {
        Break::Changed { part: Part::Content, .. } => json!({ "part": "content" }),
        Break::Changed { part: Part::Chain, .. } => json!({ "part": "chain" }),
        Break::Changed { part: Part::Either, .. } => json!({ "part": "either" }),
        Break::Missing { from, to }
        | Break::Rebuilt { from, to }
        | Break::Unsigned { from, to }
        | Break::Contradicted { from, to } => json!({ "from": from, "to": to }),
        Break::Gone { known } => json!({ "known": known }),
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
