//! `kdp initiator list` and `show`. Hashes of secrets are never shown.

use crate::cli::{Outcome, Result, argument};
use kdp::registry::{Role, Sender, SenderRecord};
use kdp::serve::open_store;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Shows all initiators
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp initiator list --config kdp.toml --json")]
pub struct List {
    /// The configuration
    #[arg(long)]
    config: PathBuf,
    #[arg(help = "Print an array of what show --json prints", long)]
    json: bool,
}

/// Shows the registration of an initiator
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp initiator show bank_kdp --config kdp.toml")]
pub struct Show {
    /// Which initiator
    sender_id: String,
    /// The configuration
    #[arg(long)]
    config: PathBuf,
    /// Print an object
    #[arg(long)]
    json: bool,
}

/// Lists.
pub async fn list(args: &List) -> Result {
    let registry = open_store(&argument::config(&args.config)?)?.store.registry().await?;
    let mut senders: Vec<&Sender> =
        registry.senders.values().map(|s| &**s).filter(|s| s.record.role == Role::Initiator).collect();
    senders.sort_by(|a, b| a.record.sender_id.cmp(&b.record.sender_id));
    let value: Vec<Value> = senders.iter().map(|sender| value(&sender.record)).collect();
    Ok(Outcome::either(args.json, &Value::Array(value), || {
        let heading = ["SENDER", "BIN", "METHODS", "NAME"].map(str::to_owned).to_vec();
        let rows = senders.iter().map(|sender| {
            let record = &sender.record;
            vec![record.sender_id.clone(), record.bin.clone(), methods(record), record.name.clone()]
        });
        argument::table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>())
    }))
}

/// Shows one.
pub async fn show(args: &Show) -> Result {
    let registry = open_store(&argument::config(&args.config)?)?.store.registry().await?;
    let record = super::find(&registry, &args.sender_id)?;
    Ok(Outcome::either(args.json, &value(&record), || text(&record)))
}

fn value(record: &SenderRecord) -> Value {
    json!({
        "sender_id": record.sender_id,
        "name": record.name,
        "bin": record.bin,
        "auth": record.auth,
        "reply": record.reply,
        "strict": record.strict,
        "methods": record.allowance.methods,
        "services": record.allowance.services,
        "max_term_seconds": record.allowance.max_term_seconds,
        "legacy": record.allowance.legacy,
        "ovt_bound": record.allowance.ovt_bound,
        "code": record.allowance.code,
        "lang": record.lang,
        "ovt_keys": record.ovt_keys,
    })
}

fn text(record: &SenderRecord) -> String {
    let allowance = &record.allowance;
    let yes = |flag| if flag { "yes" } else { "no" }.to_owned();
    let word = |value: Value| value.as_str().map(str::to_owned).unwrap_or_default();
    let rows = [
        ("sender-id", record.sender_id.clone()),
        ("name", record.name.clone()),
        ("bin", record.bin.clone()),
        ("methods", methods(record)),
        ("services", allowance.services.join(", ")),
        ("max term", format!("{} s", allowance.max_term_seconds)),
        ("auth", word(json!(record.auth))),
        ("reply", word(json!(record.reply))),
        ("strict", yes(record.strict)),
        ("legacy", yes(allowance.legacy)),
        ("ovt bound", yes(allowance.ovt_bound)),
        ("code", word(json!(allowance.code))),
        ("lang", record.lang.clone()),
        ("ovt keys", record.ovt_keys.len().to_string()),
    ];
    argument::table(&rows.map(|(name, value)| vec![name.to_owned(), value]))
}

fn methods(record: &SenderRecord) -> String {
    record.allowance.methods.iter().map(|m| m.number().to_string()).collect::<Vec<_>>().join(",")
}
