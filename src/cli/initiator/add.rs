//! `kdp initiator add`.

use super::{ROLES, ovt_keys, permit, sorted};
use crate::cli::argument::{self, Installation};
use crate::cli::{Failure, Result, agreed, say, sender};
use clap::ValueEnum;
use kdp::config::Environment;
use kdp::consent::method::{Allowance, CodeForm, Method};
use kdp::operator::duty::Errand;
use kdp::registry::{Permit, Role};
use serde_json::json;
use std::path::PathBuf;

/// What a method rests on in a test installation where nobody said it.
const TEST: &str = "test installation";

/// Registers an initiator; its secrets are printed this once
///
/// In production --basis is needed, and for methods 2 to 4 --protocol (F-4, I-7, I-8).
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp initiator add --config kdp.toml --sender-id bank_kdp --name 'Bank' --bin 260140990117 \
                  --methods 1,2,5 --services GBDFLUniversal_token,GBDRN_token --max-term-days 90 --ovt-key bank.cert.pem \
                  --basis agreement-7 --own-means bank --protocol own-means.pdf"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Add {
    #[command(flatten)]
    at: Installation,
    #[command(flatten)]
    identity: sender::Identity,
    /// Methods of asking that were agreed (F-4, I-7)
    #[arg(long, value_delimiter = ',', default_value = "1", value_parser = argument::method)]
    methods: Vec<Method>,
    /// The agreement, act or integration application that its methods rest on
    #[arg(long)]
    basis: Option<String>,
    #[command(flatten)]
    proof: permit::Proof,
    /// Open logging mode to it (method 4), on the same basis
    #[arg(long)]
    logging: bool,
    #[arg(help = "ServiceIDs that it may ask for without a directory entry", long, value_delimiter = ',')]
    services: Vec<String>,
    /// Longest life of its security tokens, days
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u64).range(1..=366))]
    max_term_days: u64,
    #[arg(help = "personal_data_name may be empty", long)]
    legacy: bool,
    /// Take only verification tokens that are bound to the subject
    #[arg(long)]
    ovt_bound: bool,
    /// Form of the one-time code of method 5
    #[arg(long, value_enum, default_value_t = CodeWord::Digits)]
    code: CodeWord,
    /// Public key or certificate of its verification tokens, PEM; repeatable
    #[arg(long, value_name = "PEM")]
    ovt_key: Vec<PathBuf>,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum CodeWord {
    Digits,
    Alphanumeric,
}

/// Registers.
pub async fn run(args: Add, errand: Errand) -> Result {
    let methods = sorted(args.methods);
    let services = argument::service_ids("--services", &args.services)?;
    let allowance = Allowance {
        methods: methods.clone(),
        services: services.clone(),
        max_term_seconds: args.max_term_days * 86_400,
        logging: false,
        legacy: args.legacy,
        ovt_bound: args.ovt_bound,
        code: match args.code {
            CodeWord::Digits => CodeForm::Digits,
            CodeWord::Alphanumeric => CodeForm::Alphanumeric,
        },
    };
    let mut record = args.identity.record(Role::Initiator, allowance)?;
    record.ovt_keys = ovt_keys(&args.ovt_key)?;
    let given = args.basis.as_deref().map(|basis| argument::line("--basis", basis)).transpose()?;
    let access = args.at.open_as(errand).await?;
    let config = access.config();
    let now = access.now();
    let basis = match given {
        Some(basis) => {
            record.permits = permit::permits(&methods, &basis, &args.proof, &[], now)?;
            basis
        }
        None if !args.proof.is_empty() => {
            return Err(Failure::unusable("--protocol and --own-means belong to a --basis"));
        }
        None if config.environment == Environment::Test => {
            say("no --basis: the methods are open because this is a test installation");
            let permit = |&method| Permit { method, basis: TEST.to_owned(), protocol: None, since: now };
            record.permits = methods.iter().map(permit).collect();
            TEST.to_owned()
        }
        None => {
            return Err(Failure::refused(
                "--basis: say which agreement, act or integration application opens the methods (F-4, I-7)",
            ));
        }
    };
    if args.logging {
        permit::set_logging(&mut record, Some(&basis), now);
    }
    let registry = access.registry().await?;
    if sender::find(&registry, &record.sender_id, ROLES).is_err() {
        permit::warn_of_gaps(&record);
        agreed::warn_of_unowned(&registry, &services);
    }
    sender::add(&access, record, json!({ "basis": basis }), args.json).await
}
