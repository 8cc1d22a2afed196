//! `kdp journal export`.

use super::{verify, word};
use crate::cli::argument::{self, Installation};
use crate::cli::{Exit, Failure, Outcome, Progress, Result, say};
use kdp::clock;
use kdp::consent::revocation::midnight;
use kdp::journal::export::{ExportError, Order, export};
use kdp::journal::keep::{self, HeadError};
use kdp::operator::duty::Errand;
use kdp::text::Lang;
use serde_json::json;
use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use time::Date;

/// Exports the journal of a period for the authorised body: complete in itself, signed, without persons
///
/// Verify it by `kdp journal verify --file FILE --jwks KEYS`; nothing else is needed. It goes on to the next signed head
/// after the period. Where there are nodes, it has the chain of each. The export is journalled. Exit 1: nothing was journalled in that time, or the journal is broken; a broken one is
/// exported all the same.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp journal export --from 2026-03-01 --to 2026-04-01 --config kdp.toml -o journal-2026-03.jsonl"
)]
pub struct Args {
    /// The first day, Astana time
    #[arg(long, value_name = "DATE", value_parser = argument::date)]
    from: Date,
    /// The day after the last
    #[arg(long, value_name = "DATE", value_parser = argument::date)]
    to: Date,
    /// The chain of this node alone
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    #[command(flatten)]
    at: Installation,
    /// Where to write it, a new file for its owner alone; stdout, when it is not given
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The form: jsonl, a JSON object a line
    #[arg(long, default_value = "jsonl", value_parser = ["jsonl"])]
    format: String,
    /// Language of messages: kk, ru or en
    #[arg(long, default_value = "ru", value_parser = argument::lang)]
    lang: Lang,
}

/// Exports.
pub async fn run(args: Args, errand: Errand) -> Result {
    let wrong = || Failure::unusable("--to: must come after --from");
    let (from, to) =
        midnight(args.from).zip(midnight(args.to)).filter(|(from, to)| from < to).ok_or_else(wrong)?;
    let access = args.at.open_as(errand).await?;
    let at = access.now();
    let (from_text, to_text) = (clock::text(from), clock::text(to));
    let detail = match &args.node {
        Some(node) => json!({ "from": from_text, "to": to_text, "format": args.format, "node": node }),
        None => json!({ "from": from_text, "to": to_text, "format": args.format }),
    };
    // First told, then done: an export that is broken off was one, too.
    access.note(access.deed("export", "journal").detail(&detail)).await?;
    let keys = access.registry().await?.keys;
    let installation = access.config().token.issuer.clone();
    match keep::sign(access.journal(), &keys, &installation, at).await {
        // Then the service signed, which is as good.
        Ok(_) | Err(HeadError::NotKept) => {}
        Err(error) => return Err(error.into()),
    }
    let order = Order { installation, node: args.node, by: access.operator().name.to_string(), at, from, to };
    let mut out = out(args.output.as_ref())?;
    let mut progress = Progress::default();
    let written =
        export(access.journal(), &keys, &order, &mut *out, |last| progress.at(last, "records")).await;
    drop(progress);
    let found = written.map_err(|error| match error {
        ExportError::Nothing => Failure::refused(error.to_string()),
        _ => Failure::unusable(error.to_string()),
    });
    let found = match (found, &args.output) {
        // What is no export shall not lie about as one.
        (Err(failure), Some(path)) => {
            let _ = std::fs::remove_file(path);
            return Err(failure);
        }
        (found, _) => found?,
    };
    for one in &found {
        say(word::of_node(one, args.lang).trim_end());
    }
    match found.iter().find_map(|one| one.found.broken) {
        None => Ok(Outcome::accepted("")),
        Some(broken) => {
            say(&verify::broken(&broken).to_string());
            Ok(Outcome { exit: Exit::Refused, ..Outcome::accepted("") })
        }
    }
}

fn out(path: Option<&PathBuf>) -> Result<Box<dyn Write + Send>> {
    let Some(path) = path else { return Ok(Box::new(BufWriter::new(std::io::stdout()))) };
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let file = file.map_err(|error| Failure::unusable(format!("{}: {}", path.display(), error.kind())))?;
    Ok(Box::new(BufWriter::with_capacity(1 << 16, file)))
}
