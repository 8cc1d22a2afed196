//! `kdp restore`.

use super::access::{Login, answer, enter};
use super::backup::Meter;
use super::backup::manifest::Manifest;
use super::seal::numbers;
use super::{Failure, Outcome, Result, argument, say};
use kdp::clock::{Clock as _, SystemClock, text};
use kdp::config::Config;
use kdp::metric::StoreMetrics;
use kdp::operator::duty::Errand;
use kdp::random::SystemRandom;
use kdp::serve::{Opened, StartError};
use kdp::store::location::NoFile;
use kdp::store::seal::{KeyFileSeal, Seal, hex};
use kdp::store::sqlite::backup::{Flaw, Judged, digest, judge};
use kdp::store::sqlite::restore::{
    Before, Hindrance, Why, before, beside, has_operators, hindrance, note, prepare, put, settle,
};
use kdp::store::sqlite::{SCHEMA, SqliteStore, migrate};
use kdp::store::{Record, StoreError};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Puts a backup in the place of the database, after it was looked through; one of the version before comes to this one.
///
/// Looked at are: the manifest and the SHA-256, the pages, the version, whether the keys of the configuration open it,
/// and the journal's chain. The service must be stopped. What was decided after the backup is not in it. Who may is judged
/// by the operators of the database that is there; by those of the backup only where there is none, nobody has access to
/// it, or it is damaged: then that is said and journalled.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp restore /var/backups/kdp/2026-04-01.db --config /etc/kdp/kdp.toml --replace"
)]
pub struct Args {
    /// The backup; its manifest stands beside it
    file: PathBuf,
    /// The configuration: its database is replaced, its keys must open the backup
    #[arg(long)]
    config: PathBuf,
    #[command(flatten)]
    login: Login,
    /// Replace the database that is there; it is kept beside, under a name that is told
    #[arg(long)]
    replace: bool,
    /// Without the manifest, when it is lost: whether the file is whole is then judged by its pages and its journal
    #[arg(long)]
    without_manifest: bool,
    #[arg(help = r#"Print {"version", "journal_seq", "kept"}"#, long)]
    json: bool,
}

/// There is no file to do it to.
pub fn no_file(no: NoFile) -> Failure {
    Failure::refused(no.to_string())
}

/// A hindrance as it ends the command.
pub fn failure(hindrance: Hindrance) -> Failure {
    match hindrance {
        Hindrance::Store(error) => Failure::unusable(error.to_string()),
        no => Failure::refused(no.to_string()),
    }
}

/// Restores.
pub async fn run(args: Args, errand: Errand) -> Result {
    let args = &args;
    let config = argument::config(&args.config)?;
    // A link stays a link.
    let target = config.location()?.file().map_err(no_file)?.to_owned();
    let target = std::fs::canonicalize(&target).unwrap_or(target);
    let seal = seal(&config)?;
    if let Some(no) = hindrance(&target, args.replace) {
        return Err(failure(no));
    }
    let manifest = read_manifest(args)?;
    let (part, lock) = prepare(&args.file, &target).map_err(failure)?;
    let restored = restore(args, (&part, &target), (&config, seal), manifest.as_deref(), errand).await;
    if restored.is_err() {
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(beside(&part, end));
        }
    }
    drop(lock);
    let (judged, kept) = restored?;
    let value = serde_json::json!({
        "version": SCHEMA, "journal_seq": judged.head.0, "kept": kept,
    });
    Ok(Outcome::either(args.json, &value, || {
        let mut text = format!(
            "{}: restored, version {}, journal up to record {}; {} sealed values were opened as samples\n",
            target.display(),
            SCHEMA,
            judged.head.0,
            judged.opened,
        );
        if let Some(kept) = &kept {
            let _ = writeln!(text, "the database of before is kept as {}", kept.display());
        }
        text
    }))
}

/// What was restored, and where the database of before is.
type Restored = (Judged, Option<PathBuf>);

async fn restore(
    args: &Args,
    (part, target): (&Path, &Path),
    (config, seal): (&Config, Arc<dyn Seal>),
    manifest: Option<&str>,
    errand: Errand,
) -> Result<Restored> {
    let mut made = String::new();
    let read = match manifest {
        Some(text) => {
            let named = |e| Failure::refused(format!("{}: {e}", Manifest::path(&args.file).display()));
            let manifest = Manifest::read(text, &*seal, digest(part)?).map_err(named)?;
            made = format!(" of {}", manifest.made);
            Some(manifest)
        }
        None => None,
    };
    let at_hand = numbers(&config.database.sealing())?;
    let mut meter = Meter::of("records of the journal verified");
    let judged = judge(part, (&*seal, &at_hand), &mut |done, whole| meter.show(done, whole));
    let judged = judged.map_err(|flaw| match flaw {
        Flaw::Damaged(StoreError::Failed(_) | StoreError::Setup(_)) => {
            Failure::refused("the backup is damaged, or no database of this service")
        }
        flaw => Failure::refused(flaw.to_string()),
    })?;
    drop(meter);
    if read.is_some_and(|manifest| !manifest.has_head(judged.version, judged.head)) {
        return Err(Failure::refused("the journal in the backup does not end where the manifest says"));
    }
    let at = SystemClock.now();
    let outcome = format!("restored from a backup{made}, journal up to {}", judged.head.0);
    migrate(part, at)?;
    match before(target).map_err(failure)? {
        Before::Operators(seq, chain) => {
            let replaced = json!({ "seq": seq, "chain": hex(&chain) });
            enter_target(args, (part, target), config, (outcome, &replaced), errand).await?;
        }
        Before::Mute(why) => enter_copy(args, part, (config, seal), (outcome, why), errand).await?,
    }
    settle(part)?;
    let kept = target.exists().then(|| beside(target, &format!(".before-{}", stamp(at))));
    put(part, target, kept.as_deref().filter(|_| args.replace)).map_err(failure)?;
    Ok((judged, kept))
}

/// Who restores is an operator of the database that is replaced. The first record of what was restored tells of it, and
/// of the end of the journal that was replaced.
async fn enter_target(
    args: &Args,
    (part, target): (&Path, &Path),
    config: &Config,
    (outcome, replaced): (String, &Value),
    errand: Errand,
) -> Result<()> {
    let by = answer(config, &args.login, errand).await?;
    // The threads of the login end.
    settle(target)?;
    let operator = by.map(|by| by.to_string()).unwrap_or_default();
    let detail = json!({ "by": operator, "judged_by": "database", "replaced": replaced });
    Ok(note(part, &Record { operator, ..restored(outcome, &detail) })?)
}

/// Who restores is an operator of the backup, where the database that was there cannot say who may: that is said, and
/// journalled. A backup of before there were operators is anybody's who has its keys.
async fn enter_copy(
    args: &Args,
    part: &Path,
    (config, seal): (&Config, Arc<dyn Seal>),
    (outcome, why): (String, Why),
    errand: Errand,
) -> Result<()> {
    let judging = "the operators of the backup judge who restores";
    let database = match why {
        Why::Nobody => {
            say(&format!("nobody has access to the database that is there: {judging}"));
            "nobody"
        }
        Why::Damaged => {
            say(&format!("the database that is there is damaged: {judging}"));
            "damaged"
        }
        Why::Absent => "absent",
    };
    let detail = |by: &str| json!({ "by": by, "judged_by": "backup", "database": database });
    if !has_operators(part)? {
        return Ok(note(part, &restored(outcome, &detail("")))?);
    }
    let (rules, metrics) = ((config.spans(), config.rule()), Arc::new(StoreMetrics::default()));
    let store = SqliteStore::open(part, config.database.synchronous, seal.clone(), rules, metrics)?;
    let (random, clock) = (Arc::new(SystemRandom::default()), Arc::new(SystemClock));
    let opened = Opened { store: Arc::new(store), seal, random, clock };
    let access = enter(config.clone(), opened, &args.login, errand).await?;
    let detail = detail(access.operator().name.as_str());
    access.note(access.deed("administration", outcome).detail(&detail)).await
}

fn restored(outcome: String, detail: &Value) -> Record {
    let at = SystemClock.now();
    Record { at, kind: "administration", outcome, detail: detail.to_string(), ..Record::default() }
}

fn read_manifest(args: &Args) -> Result<Option<String>> {
    if args.without_manifest {
        return Ok(None);
    }
    let path = Manifest::path(&args.file);
    if File::open(&args.file).is_ok() && !path.exists() {
        return Err(Failure::refused(format!(
            "{} is not there: if it is lost, --without-manifest judges the backup by itself",
            path.display()
        )));
    }
    if !args.file.exists() {
        return Err(Failure::unusable(format!("{}: entity not found", args.file.display())));
    }
    Ok(Some(argument::text_file(&path)?.to_string()))
}

fn seal(config: &Config) -> Result<Arc<dyn Seal>> {
    let seal = KeyFileSeal::load(
        config.database.sealing(),
        &config.database.lookup(),
        Arc::new(SystemRandom::default()),
    );
    Ok(Arc::new(seal.map_err(|(source, error)| StartError::Seal(source, error))?))
}

/// A time as a part of a file's name.
fn stamp(at: i64) -> String {
    text(at).chars().filter(char::is_ascii_alphanumeric).collect()
}
