//! `kdp proactive`: proactive services (проактивные услуги) of method 3 (F-4 3, F-6).

use super::access::Access;
use super::argument::{self, Installation};
use super::{Failure, Outcome, Result, agreed, registration, say};
use clap::Subcommand;
use kdp::consent::directory::{ProactiveService, in_force};
use kdp::consent::method::Method;
use kdp::operator::duty::Errand;
use kdp::registry::Registry;
use kdp::store::register::{Item, Kind};
use serde_json::{Value, json};

/// Registers, shows and ends proactive services (проактивные услуги).
///
/// The code of a service belongs to one organisation; a token of method 3 lives for the period of the service. A running
/// `kdp serve` on the same database notices within a second.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp proactive list --config kdp.toml")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Add(Box<Add>),
    List(List),
    Show(Show),
    History(History),
    End(End),
}

/// Registers a proactive service
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp proactive add PRO-0001 --config kdp.toml --bin 260140990216 --name-kk Жәрдемақы --name-ru Пособие \
                  --services GBDFLUniversal_token --period 30d"
)]
struct Add {
    /// Its code, as requests name it
    code: String,
    #[command(flatten)]
    at: Installation,
    /// The organisation that provides it
    #[arg(long)]
    bin: String,
    /// Its name in Kazakh
    #[arg(long)]
    name_kk: String,
    /// Its name in Russian
    #[arg(long)]
    name_ru: String,
    #[arg(help = "ServiceIDs that it needs", long, value_delimiter = ',', required = true)]
    services: Vec<String>,
    /// Period of the service, life of a token: 30s, 10m, 2h or 90d
    #[arg(long, value_parser = argument::seconds)]
    period: u64,
    /// From when on it is no longer provided
    #[arg(long, value_name = "TIME", value_parser = argument::moment)]
    expires: Option<i64>,
    /// Print an object
    #[arg(long)]
    json: bool,
}

/// Shows all proactive services
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp proactive list --config kdp.toml --json")]
struct List {
    #[command(flatten)]
    at: Installation,
    #[arg(help = "Print an array of what show --json prints", long)]
    json: bool,
}

/// Shows a proactive service
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp proactive show PRO-0001 --config kdp.toml")]
struct Show {
    /// Its code
    code: String,
    #[command(flatten)]
    at: Installation,
    /// Print an object
    #[arg(long)]
    json: bool,
}

/// Shows all revisions of a proactive service and what each changed, oldest first
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp proactive history PRO-0001 --config kdp.toml")]
struct History {
    /// Its code
    code: String,
    #[command(flatten)]
    at: Installation,
    #[arg(help = "Print an array of {revision, at, changes: [{field, before, after}]}", long)]
    json: bool,
}

/// Ends a proactive service: no request names it any more with success; tokens that were granted stay
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp proactive end PRO-0001 --config kdp.toml --at 2026-12-31")]
struct End {
    /// Its code
    code: String,
    #[command(flatten)]
    at: Installation,
    /// When, not in the past; now, when it is not given
    #[arg(long = "at", value_name = "TIME", value_parser = argument::moment)]
    when: Option<i64>,
    /// Print an object
    #[arg(long)]
    json: bool,
}

/// Runs a subcommand.
pub async fn run(args: Args, errand: Errand) -> Result {
    match args.command {
        Command::Add(args) => add(&args, errand).await,
        Command::List(args) => list(&args.at.open_as(errand).await?, args.json).await,
        Command::Show(args) => show(&args.at.open_as(errand).await?, &args.code, args.json).await,
        Command::History(args) => {
            registration::history(
                &args.at.open_as(errand).await?,
                (Kind::Proactive, &args.code),
                args.json,
                |_| {},
            )
            .await
        }
        Command::End(args) => end(&args, errand).await,
    }
}

async fn add(args: &Add, errand: Errand) -> Result {
    let name = agreed::name(&args.name_kk, &args.name_ru)?;
    let access = args.at.open_as(errand).await?;
    let (registry, now) = (access.registry().await?, access.now() / 1000);
    let service = ProactiveService {
        code: argument::id("CODE", &args.code)?,
        revision: 0,
        bin: agreed::bin(&registry, &args.bin)?,
        name,
        services: argument::service_ids("--services", &args.services)?,
        period_seconds: agreed::period(args.period)?,
        expires_at: agreed::expiry(args.expires.map(|at| at.div_euclid(1000)), i64::MIN, now)?,
    };
    let after = match registry.proactive.get(&service.code) {
        None => 0,
        Some(before) if before.bin != service.bin => {
            return Err(Failure::refused(format!("{} belongs to another organisation", service.code)));
        }
        Some(before) if in_force(before.expires_at, now) => {
            return Err(Failure::refused(format!("{} is registered already", service.code)));
        }
        Some(before) => before.revision,
    };
    warn_of_gaps(&registry, &service);
    let detail = registration::detail(json!({
        "bin": service.bin, "services": service.services, "period_seconds": service.period_seconds,
        "expires_at": service.expires_at,
    }));
    let revision = registration::register(&access, Item::Proactive(service), after, "added", detail).await?;
    let value = json!({ "code": args.code, "revision": revision });
    Ok(Outcome::either(args.json, &value, || format!("{}: registered as revision {revision}\n", args.code)))
}

/// Says what is wanting before the service can be used.
fn warn_of_gaps(registry: &Registry, service: &ProactiveService) {
    let mut senders = registry.senders.values().map(|sender| &sender.record);
    if !senders.any(|r| r.bin == service.bin && r.allowance.methods.contains(&Method::Proactive)) {
        say("method 3 is not open to this organisation yet: `kdp initiator set-methods`");
    }
    agreed::warn_of_unowned(registry, &service.services);
}

async fn list(access: &Access, as_json: bool) -> Result {
    let (registry, now) = (access.registry().await?, access.now() / 1000);
    let mut services: Vec<&ProactiveService> = registry.proactive.values().collect();
    services.sort_by(|a, b| a.code.cmp(&b.code));
    let values = services.iter().map(|service| value(service, now)).collect();
    Ok(Outcome::either(as_json, &Value::Array(values), || {
        let rows = services.iter().map(|service| {
            vec![
                service.code.clone(),
                service.revision.to_string(),
                service.bin.clone(),
                agreed::span(service.period_seconds),
                agreed::state(i64::MIN, service.expires_at, now),
                service.name.ru.clone(),
            ]
        });
        let heading = ["CODE", "REVISION", "BIN", "PERIOD", "STATE", "NAME"];
        registration::listed(&heading, rows.collect(), "no proactive services")
    }))
}

async fn show(access: &Access, code: &str, as_json: bool) -> Result {
    let (registry, now) = (access.registry().await?, access.now() / 1000);
    let service = registry.proactive.get(code).ok_or_else(|| registration::unknown(Kind::Proactive, code))?;
    Ok(Outcome::either(as_json, &value(service, now), || {
        registration::fields([
            ("code", service.code.clone()),
            ("revision", service.revision.to_string()),
            ("bin", service.bin.clone()),
            ("name kk", service.name.kk.clone()),
            ("name ru", service.name.ru.clone()),
            ("services", service.services.join(", ")),
            ("period", agreed::span(service.period_seconds)),
            ("state", agreed::state(i64::MIN, service.expires_at, now)),
        ])
    }))
}

fn value(service: &ProactiveService, now: i64) -> Value {
    json!({
        "code": service.code,
        "revision": service.revision,
        "bin": service.bin,
        "name": service.name,
        "services": service.services,
        "period_seconds": service.period_seconds,
        "expires_at": service.expires_at.map(agreed::time),
        "state": agreed::state(i64::MIN, service.expires_at, now),
    })
}

async fn end(args: &End, errand: Errand) -> Result {
    let access = args.at.open_as(errand).await?;
    let (registry, now) = (access.registry().await?, access.now() / 1000);
    let service = registry
        .proactive
        .get(&args.code)
        .ok_or_else(|| registration::unknown(Kind::Proactive, &args.code))?;
    let wish = args.when.map(|at| at.div_euclid(1000));
    let Some(end) = agreed::end(service.expires_at, wish, now)? else {
        let (id, since) = (&args.code, agreed::time(service.expires_at.unwrap_or(now)));
        let value = json!({ "code": id, "ends": since, "changed": false });
        return Ok(Outcome::either(args.json, &value, || format!("{id} has ended already, {since}\n")));
    };
    let (after, service) = (service.revision, ProactiveService { expires_at: Some(end), ..service.clone() });
    let detail = registration::detail(json!({ "bin": service.bin, "expires_at": end }));
    registration::register(&access, Item::Proactive(service), after, "ended", detail).await?;
    let (id, end) = (&args.code, agreed::time(end));
    let value = json!({ "code": id, "ends": end, "changed": true });
    Ok(Outcome::either(args.json, &value, || format!("{id} ends {end}\n")))
}
