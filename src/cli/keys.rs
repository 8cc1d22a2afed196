//! `kdp keys`: the keys that sign security tokens, and the key files that seal the database.

use super::{Failure, Outcome, Result, argument};
use clap::Subcommand;
use kdp::clock;
use kdp::config::Config;
use kdp::random::{Random, SystemRandom};
use kdp::serve::{Opened, open_store};
use kdp::store::Record;
use kdp::store::seal::KeyFileSeal;
use kdp::token::key::{KeyError, KeyRecord, Rotation, SigningKey};
use kdp::trust::sign::RsaSigner;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Lists, generates and rotates the keys of the service.
///
/// A running `kdp serve` on the same database notices within a second.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp keys list --config kdp.toml")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Init(Init),
    List(List),
    Generate(Generate),
    Rotate(Rotate),
}

/// Creates the sealing and lookup key files that are missing; an existing file is never touched
///
/// Keep copies: without these keys the database cannot be read.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp keys init --config kdp.toml")]
struct Init {
    /// The configuration
    #[arg(long)]
    config: PathBuf,
}

/// Shows the keys that sign or signed security tokens
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp keys list --config kdp.toml --json")]
struct List {
    /// The configuration
    #[arg(long)]
    config: PathBuf,
    /// Print an array
    #[arg(long)]
    json: bool,
}

/// Generates the first key, which signs at once; refused while a key signs
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp keys generate --config kdp.toml")]
struct Generate {
    /// The configuration
    #[arg(long)]
    config: PathBuf,
    /// Size of the RSA key: 2048, 3072 or 4096
    #[arg(long, default_value_t = 2048)]
    bits: u32,
}

/// Generates the key that follows: published now, signing after `token.key_lead_hours`
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp keys rotate --config kdp.toml")]
struct Rotate {
    /// The configuration
    #[arg(long)]
    config: PathBuf,
    /// Size of the RSA key: 2048, 3072 or 4096
    #[arg(long, default_value_t = 2048)]
    bits: u32,
}

/// Runs a subcommand.
pub async fn run(args: Args) -> Result {
    match args.command {
        Command::Init(args) => init(&argument::config(&args.config)?, &SystemRandom::default()),
        Command::List(args) => list(&open_store(&argument::config(&args.config)?)?, args.json).await,
        Command::Generate(args) => new_key(&argument::config(&args.config)?, args.bits, true).await,
        Command::Rotate(args) => new_key(&argument::config(&args.config)?, args.bits, false).await,
    }
}

fn init(config: &Config, random: &dyn Random) -> Result {
    let mut text = String::new();
    for path in [&config.database.seal_keys, &config.database.lookup_key] {
        let created = create(path, &KeyFileSeal::new_file(random)?)?;
        let what = if created { "created" } else { "is there already and was left as it is" };
        let _ = writeln!(text, "{} {what}", path.display());
    }
    Ok(Outcome::accepted(text))
}

/// Writes a new file that only its owner can read. `false`: something is there already.
fn create(path: &Path, text: &str) -> Result<bool> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let cannot = |e: &std::io::Error| Failure::unusable(format!("{}: {}", path.display(), e.kind()));
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = match file {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => return Ok(false),
        Err(e) => return Err(cannot(&e)),
    };
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|e| cannot(&e))?;
    Ok(true)
}

async fn list(opened: &Opened, as_json: bool) -> Result {
    let ring = opened.store.registry().await?.keys;
    let now = opened.clock.now() / 1000;
    let current = ring.current(now).ok().map(SigningKey::kid);
    let state = |key: &SigningKey| {
        if key.is_distrusted(now) {
            "distrusted"
        } else if current == Some(key.kid()) {
            "signs"
        } else if key.window().not_before > now {
            "waits"
        } else {
            "ended"
        }
    };
    let mut keys: Vec<&SigningKey> = ring.keys().iter().collect();
    keys.sort_by_key(|key| key.window().not_before);
    let time = |seconds: i64| clock::text(seconds.saturating_mul(1000));
    let value: Vec<Value> = keys
        .iter()
        .map(|key| {
            let window = key.window();
            json!({
                "kid": key.kid(), "state": state(key), "created": time(window.created_at),
                "signs_from": time(window.not_before), "signs_until": time(window.not_after),
                "public_key": key.public_key_base64(),
            })
        })
        .collect();
    Ok(Outcome::either(as_json, &Value::Array(value), || {
        let heading = ["KID", "STATE", "SIGNS FROM", "SIGNS UNTIL"].map(str::to_owned).to_vec();
        let rows = keys.iter().map(|key| {
            let window = key.window();
            vec![key.kid().to_owned(), state(key).to_owned(), time(window.not_before), time(window.not_after)]
        });
        argument::table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>())
    }))
}

async fn new_key(config: &Config, bits: u32, first: bool) -> Result {
    let opened = open_store(config)?;
    let ring = opened.store.registry().await?.keys;
    let now = opened.clock.now() / 1000;
    if first && ring.current(now).is_ok() {
        return Err(Failure::refused("a key signs already: `kdp keys rotate` makes the one that follows"));
    }
    let rotation = Rotation {
        lead: config.token.key_lead_hours.saturating_mul(3600),
        signs_for: config.token.key_days.saturating_mul(86_400),
    };
    let signer = RsaSigner::generate(bits).map_err(|e| Failure::unusable(format!("--bits: {e}")))?;
    let record = ring.rotate(&signer, now, rotation).map_err(|error| match error {
        KeyError::Waiting => Failure::refused(error.to_string()),
        _ => Failure::unusable(error.to_string()),
    })?;
    let (kid, from) = (record.kid.clone(), clock::text(record.window.not_before.saturating_mul(1000)));
    keep(&opened, record).await?;
    Ok(Outcome::accepted(format!("{kid} signs from {from}\n")))
}

async fn keep(opened: &Opened, key: KeyRecord) -> Result<()> {
    let window = key.window;
    let journal = Record {
        at: opened.clock.now(),
        kind: "registration",
        outcome: "key".to_owned(),
        detail: json!({
            "kid": key.kid, "not_before": window.not_before, "not_after": window.not_after,
        })
        .to_string(),
        ..Record::default()
    };
    Ok(opened.store.keep_keys(vec![key], journal).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn key_files_are_created_for_their_owner_alone_and_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.database.seal_keys = directory.path().join("seal.keys");
        config.database.lookup_key = directory.path().join("lookup.key");
        std::fs::write(&config.database.lookup_key, "mine").unwrap();
        let random = kdp::random::SeededRandom::new(1, 0);
        let text = init(&config, &random).unwrap().text;
        assert!(text.contains("seal.keys created") && text.contains("lookup.key is there already"), "{text}");
        assert_eq!(std::fs::read_to_string(&config.database.lookup_key).unwrap(), "mine");
        let mode = std::fs::metadata(&config.database.seal_keys).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let before = std::fs::read(&config.database.seal_keys).unwrap();
        init(&config, &random).unwrap();
        assert_eq!(std::fs::read(&config.database.seal_keys).unwrap(), before);
    }
}
