//! `kdp keys`: the keys that sign security tokens and receipts, and the key files that seal the database.

mod export;

use super::access::Access;
use super::argument::{self, Installation};
use super::{Failure, Outcome, Result};
use clap::Subcommand;
use kdp::clock;
use kdp::config::Config;
use kdp::operator::duty::Errand;
use kdp::random::{Random, SystemRandom};
use kdp::store::seal::KeyFileSeal;
use kdp::token::key::{KeyError, KeyPurpose, KeyRecord, KeyRing, Rotation, SigningKey};
use kdp::trust::sign::{EcSigner, RsaSigner, Signer};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Lists, generates, rotates and distrusts the keys of the service.
///
/// One kind signs security tokens and their status list, the other the receipts of token checks. A running `kdp serve` on the same database notices within a second.
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
    Distrust(Distrust),
    Export(export::Export),
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

/// Shows the keys that sign or signed, with what they sign
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp keys list --config kdp.toml --json")]
struct List {
    #[command(flatten)]
    at: Installation,
    /// Print an array
    #[arg(long)]
    json: bool,
}

/// Generates the keys that are missing, which sign at once; refused while none is
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp keys generate --config kdp.toml")]
struct Generate {
    #[command(flatten)]
    at: Installation,
    /// Size of the RSA key that signs tokens: 2048, 3072 or 4096
    #[arg(long, default_value_t = 2048)]
    bits: u32,
    /// Print an object
    #[arg(long)]
    json: bool,
}

/// Generates the keys that follow: published now, signing after `token.key_lead_hours`
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp keys rotate --config kdp.toml")]
struct Rotate {
    #[command(flatten)]
    at: Installation,
    /// Size of the RSA key that signs tokens: 2048, 3072 or 4096
    #[arg(long, default_value_t = 2048)]
    bits: u32,
    /// Print an object
    #[arg(long)]
    json: bool,
}

/// Distrusts a key at once: it neither signs nor is published, and no token of it is active any more
///
/// For a key that others may have. There is no way back.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp keys distrust NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs --config kdp.toml"
)]
struct Distrust {
    /// The key, as `kdp keys list` names it
    // A thumbprint is base64url: it may begin with a hyphen.
    #[arg(allow_hyphen_values = true)]
    kid: String,
    #[command(flatten)]
    at: Installation,
    /// Print an object
    #[arg(long)]
    json: bool,
}

/// Runs a subcommand.
pub async fn run(args: Args, errand: Errand) -> Result {
    match args.command {
        Command::Init(args) => init(&argument::config(&args.config)?, &SystemRandom::default()),
        Command::List(args) => list(&args.at.open_as(errand).await?, args.json).await,
        Command::Generate(args) => generate(&args, errand).await,
        Command::Rotate(args) => rotate(&args, errand).await,
        Command::Distrust(args) => distrust(&args.at.open_as(errand).await?, &args.kid, args.json).await,
        Command::Export(args) => export::run(&args, errand).await,
    }
}

fn init(config: &Config, random: &dyn Random) -> Result {
    let mut text = String::new();
    // What a command gives has no file.
    let files = [&config.database.seal_keys, &config.database.lookup_key];
    for path in files.into_iter().filter(|path| !path.as_os_str().is_empty()) {
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

async fn list(access: &Access, as_json: bool) -> Result {
    let ring = access.registry().await?.keys;
    let now = access.now() / 1000;
    let signing = [ring.current(now), ring.current_receipt(now)].map(|key| key.ok().map(SigningKey::kid));
    let state = |key: &SigningKey| {
        if key.is_distrusted(now) {
            "distrusted"
        } else if signing.contains(&Some(key.kid())) {
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
                "kid": key.kid(), "signs": signs(key.purpose()), "state": state(key),
                "created": time(window.created_at), "signs_from": time(window.not_before),
                "signs_until": time(window.not_after), "distrusted": key.distrusted_at().map(time),
                "public_key": key.public_key_base64(),
            })
        })
        .collect();
    Ok(Outcome::either(as_json, &Value::Array(value), || {
        let heading = ["KID", "SIGNS", "STATE", "SIGNS FROM", "SIGNS UNTIL"].map(str::to_owned).to_vec();
        let rows = keys.iter().map(|key| {
            let (window, words) = (key.window(), [key.kid(), signs(key.purpose()), state(key)]);
            let times = [time(window.not_before), time(window.not_after)];
            words.map(str::to_owned).into_iter().chain(times).collect()
        });
        argument::table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>())
    }))
}

fn signs(purpose: KeyPurpose) -> &'static str {
    match purpose {
        KeyPurpose::Token => "tokens",
        KeyPurpose::Receipt => "receipts",
    }
}

async fn generate(args: &Generate, errand: Errand) -> Result {
    let access = args.at.open_as(errand).await?;
    let ring = access.registry().await?.keys;
    let now = access.now() / 1000;
    let mut missing: Vec<Box<dyn Signer>> = Vec::new();
    if ring.current(now).is_err() {
        missing.push(Box::new(rsa(args.bits)?));
    }
    if ring.current_receipt(now).is_err() {
        missing.push(Box::new(EcSigner::generate()?));
    }
    if missing.is_empty() {
        return Err(Failure::refused("keys sign already: `kdp keys rotate` makes those that follow"));
    }
    add(&access, &ring, &missing, args.json).await
}

async fn rotate(args: &Rotate, errand: Errand) -> Result {
    let access = args.at.open_as(errand).await?;
    let ring = access.registry().await?.keys;
    add(&access, &ring, &[Box::new(rsa(args.bits)?), Box::new(EcSigner::generate()?)], args.json).await
}

fn rsa(bits: u32) -> Result<RsaSigner> {
    RsaSigner::generate(bits).map_err(|e| Failure::unusable(format!("--bits: {e}")))
}

/// Adds all of the keys, or none.
async fn add(access: &Access, ring: &KeyRing, signers: &[Box<dyn Signer>], as_json: bool) -> Result {
    let token = &access.config().token;
    let rotation = Rotation {
        lead: token.key_lead_hours.saturating_mul(3600),
        signs_for: token.key_days.saturating_mul(86_400),
    };
    let (mut text, mut told) = (String::new(), Vec::new());
    let mut records = Vec::new();
    for signer in signers {
        let now = access.now() / 1000;
        let record = ring.rotate(&**signer, now, rotation).map_err(|error| match error {
            KeyError::Waiting => Failure::refused(error.to_string()),
            _ => Failure::unusable(error.to_string()),
        })?;
        let from = clock::text(record.window.not_before.saturating_mul(1000));
        let purpose = signs(KeyPurpose::of(&**signer)?);
        let _ = writeln!(text, "{} signs {purpose} from {from}", record.kid);
        told.push(json!({ "kid": record.kid, "signs": purpose, "signs_from": from }));
        records.push(record);
    }
    keep(access, records).await?;
    Ok(Outcome::either(as_json, &Value::Array(told), || text))
}

async fn distrust(access: &Access, kid: &str, as_json: bool) -> Result {
    let mut ring = access.registry().await?.keys;
    let now = access.now() / 1000;
    let key = ring.find(kid).ok_or_else(|| Failure::refused("no key has this KID: see `kdp keys list`"))?;
    if let Some(since) = key.distrusted_at() {
        let since = clock::text(since.saturating_mul(1000));
        let value = json!({ "kid": kid, "distrusted": since, "changed": false, "no_key_for": [] });
        return Ok(Outcome::either(as_json, &value, || format!("{kid} has been distrusted since {since}\n")));
    }
    ring.distrust(kid, now);
    let key = ring.find(kid).map(SigningKey::record).transpose()?;
    keep(access, key.into_iter().collect()).await?;
    let since = clock::text(now.saturating_mul(1000));
    let current = [(ring.current(now), "tokens"), (ring.current_receipt(now), "receipts")];
    let wanting: Vec<&str> =
        current.iter().filter(|(key, _)| key.is_err()).map(|(_, purpose)| *purpose).collect();
    let value = json!({ "kid": kid, "distrusted": since, "changed": true, "no_key_for": wanting });
    Ok(Outcome::either(as_json, &value, || {
        let mut text = format!("{kid} is distrusted from {since}\n");
        for what in &wanting {
            let _ = writeln!(text, "no key signs {what} now: run `kdp keys generate`");
        }
        text
    }))
}

async fn keep(access: &Access, keys: Vec<KeyRecord>) -> Result<()> {
    let told: Vec<Value> = keys
        .iter()
        .map(|key| {
            json!({
                "kid": key.kid, "not_before": key.window.not_before, "not_after": key.window.not_after,
                "distrusted_at": key.distrusted_at,
            })
        })
        .collect();
    let deed = access.deed("registration", "key").detail(&json!({ "keys": told }));
    access.change(deed, |store, record| store.keep_keys(keys, record)).await
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
