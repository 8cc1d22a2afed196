//! `kdp directory add`, `revise` and `end`.

use crate::cli::access::Access;
use crate::cli::argument::{self, Installation};
use crate::cli::{Failure, Outcome, Result, agreed, registration};
use kdp::consent::directory::DirectoryEntry;
use kdp::operator::duty::Errand;
use kdp::registry::Registry;
use kdp::store::register::{Item, Kind};
use serde_json::json;

/// Registers an entry
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp directory add dir-bank-1 --config kdp.toml --bin 260140990117 --name-kk Несие --name-ru Кредит \
                  --services GBDFLUniversal_token,GBDRN_token --period 90d --storage 365d --processing 90d \
                  --storage-ground 'Civil-code-178' --personal-data 'address,income'"
)]
pub struct Add {
    /// Id that requests name
    id: String,
    #[command(flatten)]
    at: Installation,
    /// The organisation that it was agreed with
    #[arg(long)]
    bin: String,
    /// Name of the service that the data are needed for, in Kazakh
    #[arg(long)]
    name_kk: String,
    /// The same in Russian
    #[arg(long)]
    name_ru: String,
    #[arg(help = "ServiceIDs of the purpose", long, value_delimiter = ',', required = true)]
    services: Vec<String>,
    /// Period of the service: longest life of a token; 30s, 10m, 2h or 90d
    #[arg(long, value_parser = argument::seconds)]
    period: u64,
    /// How long the initiator keeps the data
    #[arg(long, value_parser = argument::seconds)]
    storage: u64,
    /// How long it processes them
    #[arg(long, value_parser = argument::seconds)]
    processing: u64,
    /// Ground for the storage: the act and its article
    #[arg(long)]
    storage_ground: String,
    /// Which data, as subjects read it when a request does not say
    #[arg(long)]
    personal_data: String,
    /// From when on it is in force; now, when it is not given
    #[arg(long, value_name = "TIME", value_parser = argument::moment)]
    valid_from: Option<i64>,
    /// From when on it is no longer in force
    #[arg(long, value_name = "TIME", value_parser = argument::moment)]
    expires: Option<i64>,
    /// The integration application that it comes from
    #[arg(long, value_name = "ID")]
    application: Option<String>,
    /// Print an object
    #[arg(long)]
    json: bool,
}

/// Registers a new revision of an entry: what is not named stays as it was
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp directory revise dir-bank-1 --config kdp.toml --period 30d --processing 30d"
)]
pub struct Revise {
    /// Which entry
    id: String,
    #[command(flatten)]
    at: Installation,
    #[arg(help = "Name in Kazakh", long)]
    name_kk: Option<String>,
    #[arg(help = "Name in Russian", long)]
    name_ru: Option<String>,
    #[arg(help = "All its ServiceIDs from now on", long, value_delimiter = ',')]
    services: Vec<String>,
    /// Period of the service
    #[arg(long, value_parser = argument::seconds)]
    period: Option<u64>,
    /// How long the initiator keeps the data
    #[arg(long, value_parser = argument::seconds)]
    storage: Option<u64>,
    /// How long it processes them
    #[arg(long, value_parser = argument::seconds)]
    processing: Option<u64>,
    /// Ground for the storage
    #[arg(long)]
    storage_ground: Option<String>,
    /// Which data
    #[arg(long)]
    personal_data: Option<String>,
    /// From when on it is in force
    #[arg(long, value_name = "TIME", value_parser = argument::moment)]
    valid_from: Option<i64>,
    /// From when on it is no longer in force
    #[arg(long, value_name = "TIME", value_parser = argument::moment, conflicts_with = "no_expiry")]
    expires: Option<i64>,
    /// It has no end any more
    #[arg(long)]
    no_expiry: bool,
    /// Print an object
    #[arg(long)]
    json: bool,
}

/// Ends an entry: no request under it is granted any more; tokens that were granted stay
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp directory end dir-bank-1 --config kdp.toml --at 2026-12-31")]
pub struct End {
    /// Which entry
    id: String,
    #[command(flatten)]
    at: Installation,
    /// When, not in the past; now, when it is not given
    #[arg(long = "at", value_name = "TIME", value_parser = argument::moment)]
    when: Option<i64>,
    /// Print an object
    #[arg(long)]
    json: bool,
}

/// Registers an entry.
pub async fn add(args: Add, errand: Errand) -> Result {
    let name = agreed::name(&args.name_kk, &args.name_ru)?;
    let access = args.at.open_as(errand).await?;
    let (registry, now) = (access.registry().await?, access.now() / 1000);
    let entry = DirectoryEntry {
        id: argument::id("ID", &args.id)?,
        revision: 0,
        bin: agreed::bin(&registry, &args.bin)?,
        name,
        services: argument::service_ids("--services", &args.services)?,
        period_seconds: args.period,
        storage_seconds: args.storage,
        processing_seconds: args.processing,
        storage_ground: argument::line("--storage-ground", &args.storage_ground)?,
        data: argument::line("--personal-data", &args.personal_data)?,
        valid_from: args.valid_from.map_or(now, seconds),
        expires_at: args.expires.map(seconds),
        application: args.application.map(|id| argument::id("--application", &id)).transpose()?,
    };
    if registry.entries.contains_key(&entry.id) {
        return Err(Failure::refused(format!("{} is registered already: `kdp directory revise`", entry.id)));
    }
    let id = entry.id.clone();
    keep(&access, &registry, entry, "added", now).await?;
    let value = json!({ "id": id, "revision": 1 });
    Ok(Outcome::either(args.json, &value, || format!("{id}: registered as revision 1\n")))
}

/// Registers the next revision of an entry.
pub async fn revise(args: Revise, errand: Errand) -> Result {
    let access = args.at.open_as(errand).await?;
    let (registry, now) = (access.registry().await?, access.now() / 1000);
    let before =
        registry.entries.get(&args.id).ok_or_else(|| registration::unknown(Kind::Entry, &args.id))?;
    let mut entry = before.clone();
    let line = |flag, text: Option<&String>, old: &mut String| -> Result<()> {
        if let Some(text) = text {
            *old = argument::line(flag, text)?;
        }
        Ok(())
    };
    line("--name-kk", args.name_kk.as_ref(), &mut entry.name.kk)?;
    line("--name-ru", args.name_ru.as_ref(), &mut entry.name.ru)?;
    line("--storage-ground", args.storage_ground.as_ref(), &mut entry.storage_ground)?;
    line("--personal-data", args.personal_data.as_ref(), &mut entry.data)?;
    if !args.services.is_empty() {
        entry.services = argument::service_ids("--services", &args.services)?;
    }
    entry.period_seconds = args.period.unwrap_or(entry.period_seconds);
    entry.storage_seconds = args.storage.unwrap_or(entry.storage_seconds);
    entry.processing_seconds = args.processing.unwrap_or(entry.processing_seconds);
    entry.valid_from = args.valid_from.map_or(entry.valid_from, seconds);
    entry.expires_at = if args.no_expiry { None } else { args.expires.map(seconds).or(entry.expires_at) };
    if entry == *before {
        return Err(Failure::unusable("nothing that would change: name what is to be another"));
    }
    let revision = keep(&access, &registry, entry, "revised", now).await?;
    let value = json!({ "id": args.id, "revision": revision });
    Ok(Outcome::either(args.json, &value, || format!("{}: registered as revision {revision}\n", args.id)))
}

/// Ends an entry.
pub async fn end(args: &End, errand: Errand) -> Result {
    let access = args.at.open_as(errand).await?;
    let (registry, now) = (access.registry().await?, access.now() / 1000);
    let entry = registry.entries.get(&args.id).ok_or_else(|| registration::unknown(Kind::Entry, &args.id))?;
    let Some(end) = agreed::end(entry.expires_at, args.when.map(seconds), now)? else {
        let (id, since) = (&args.id, agreed::time(entry.expires_at.unwrap_or(now)));
        let value = json!({ "id": id, "ends": since, "changed": false });
        return Ok(Outcome::either(args.json, &value, || format!("{id} has ended already, {since}\n")));
    };
    let (after, entry) = (entry.revision, DirectoryEntry { expires_at: Some(end), ..entry.clone() });
    let detail = registration::detail(json!({ "bin": entry.bin, "expires_at": end }));
    registration::register(&access, Item::Entry(entry), after, "ended", detail).await?;
    let (id, end) = (&args.id, agreed::time(end));
    let value = json!({ "id": id, "ends": end, "changed": true });
    Ok(Outcome::either(args.json, &value, || format!("{id} ends {end}\n")))
}

fn seconds(milliseconds: i64) -> i64 {
    milliseconds.div_euclid(1000)
}

/// Keeps a revision that makes sense.
async fn keep(
    access: &Access,
    registry: &Registry,
    entry: DirectoryEntry,
    did: &str,
    now: i64,
) -> Result<u32> {
    agreed::period(entry.period_seconds)?;
    if entry.processing_seconds == 0 {
        return Err(Failure::refused("--processing: data that are not processed are not needed"));
    }
    // Data that are not kept at all are processed as they arrive.
    if entry.storage_seconds != 0 && entry.storage_seconds < entry.processing_seconds {
        return Err(Failure::refused("--storage: data that are processed longer than they are kept"));
    }
    let (before, after) = (registry.entries.get(&entry.id), entry.revision);
    if before
        .is_none_or(|before| before.expires_at != entry.expires_at || before.valid_from != entry.valid_from)
    {
        agreed::expiry(entry.expires_at, entry.valid_from, now)?;
    }
    agreed::warn_of_unowned(registry, &entry.services);
    let detail = registration::detail(json!({
        "bin": entry.bin, "services": entry.services, "period_seconds": entry.period_seconds,
        "storage_seconds": entry.storage_seconds, "processing_seconds": entry.processing_seconds,
        "valid_from": entry.valid_from, "expires_at": entry.expires_at,
    }));
    registration::register(access, Item::Entry(entry), after, did, detail).await
}
