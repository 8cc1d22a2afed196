//! `kdp backup`.

pub mod manifest;

use super::argument::Installation;
use super::restore::no_file;
use super::{Failure, Outcome, Result};
use kdp::operator::duty::Errand;
use kdp::store::StoreError;
use kdp::store::sqlite::backup::{copy, io, publish};
use kdp::store::sqlite::restore::beside;
use manifest::Manifest;
use std::io::{IsTerminal as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Copies the database into a new file, as it is at one moment, while the service runs.
///
/// Beside FILE stands FILE.manifest: version, head of the journal, SHA-256. An existing file is never overwritten. The
/// copy is looked through before it gets its name. The key files are not in it: keep copies of them in another place.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp backup /var/backups/kdp/2026-04-01.db --config /etc/kdp/kdp.toml")]
pub struct Args {
    /// Where the backup goes; its folder is there, on a disk of its own at best
    file: PathBuf,
    #[command(flatten)]
    at: Installation,
    #[arg(help = r#"Print {"file", "manifest", "version", "journal_seq", "seal_keys", "sha256"}"#, long)]
    json: bool,
}

/// Backs up.
pub async fn run(args: Args, errand: Errand) -> Result {
    let access = args.at.open_as(errand).await?;
    let database = access.config().location()?.file().map_err(no_file)?.to_owned();
    let (part, manifest_at) = (beside(&args.file, ".part"), Manifest::path(&args.file));
    if part.exists() {
        let text = "is there: another backup is running, or one was broken off; then remove it";
        return Err(Failure::refused(format!("{} {text}", part.display())));
    }
    for taken in [&args.file, &manifest_at] {
        if taken.exists() {
            return Err(Failure::refused(format!(
                "{} is there already; nothing is overwritten",
                taken.display()
            )));
        }
    }
    let at = access.now();
    let from = (database, part.clone());
    let copied = tokio::task::spawn_blocking(move || {
        let mut meter = Meter::of("MiB copied");
        copy(&from.0, &from.1, &mut |done, whole| meter.show(done / 256, whole / 256))
    });
    let copied = copied.await.map_err(|_| Failure::unusable("the copy was broken off"))??;
    let manifest = Manifest::new(&copied, at, access.seal());
    // The manifest comes first: a backup that has its name has one.
    let written = write_new(&manifest_at, &manifest.text());
    let is_written = written.is_ok();
    if let Err(error) = written.and_then(|()| publish(&part, &args.file)) {
        let _ = std::fs::remove_file(&part);
        if is_written {
            let _ = std::fs::remove_file(&manifest_at);
        }
        return Err(error.into());
    }
    let outcome = format!("backup made, journal up to {}", copied.head.0);
    let detail = serde_json::json!({ "sha256": manifest.sha256 });
    access.note(access.deed("administration", outcome).detail(&detail)).await?;
    let keys: Vec<String> = copied.keys.iter().map(ToString::to_string).collect();
    let value = serde_json::json!({
        "file": args.file, "manifest": manifest_at, "version": copied.version, "journal_seq": copied.head.0,
        "seal_keys": copied.keys, "sha256": manifest.sha256,
    });
    Ok(Outcome::either(args.json, &value, || {
        format!(
            "{}: version {}, journal up to record {}\nsha256 {}\nIt opens with the lookup key and the sealing keys {} \
             alone, and holds none of them: keep copies of the key files in another place.\n",
            args.file.display(),
            copied.version,
            copied.head.0,
            manifest.sha256,
            if keys.is_empty() { "of now".to_owned() } else { keys.join(", ") },
        )
    }))
}

/// Writes a new file for its owner alone, and waits until it is on disk.
fn write_new(path: &Path, text: &str) -> std::result::Result<(), StoreError> {
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .map_err(|e| io(path, &e))
}

/// How much of how much is done, on a terminal; on anything else, nothing.
pub struct Meter {
    what: &'static str,
    shown: Option<(u64, u64)>,
}

impl Meter {
    /// Of `what`, as in "12 of 40 MiB copied".
    pub fn of(what: &'static str) -> Self {
        Self { what, shown: None }
    }

    /// Shows it, if it changed.
    pub fn show(&mut self, done: u64, whole: u64) {
        let mut terminal = std::io::stderr();
        if self.shown != Some((done, whole)) && terminal.is_terminal() {
            self.shown = Some((done, whole));
            let _ = write!(terminal, "\rkdp: {done} of {whole} {}", self.what);
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if self.shown.is_some() {
            let _ = writeln!(std::io::stderr());
        }
    }
}
