//! `kdp initiator`: register, show and change initiators in the database of a service, running or not.

mod show;

use super::{Failure, Outcome, Result, argument, say};
use clap::{Subcommand, ValueEnum};
use kdp::consent::identity::ServiceIds;
use kdp::consent::method::{Allowance, CodeForm, Method};
use kdp::dispatch::secret_hash;
use kdp::random;
use kdp::registry::{Auth, Registry, ReplyForm, Role, SenderRecord};
use kdp::serve::{Opened, open_store};
use kdp::store::{Record, seal};
use kdp::text::Lang;
use kdp::token::ovt::OvtKey;
use serde_json::json;
use std::path::PathBuf;

/// Registers, shows and changes initiators (инициаторы).
///
/// A running `kdp serve` on the same database notices within a second.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp initiator list --config kdp.toml")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Add(Box<Add>),
    List(show::List),
    Show(show::Show),
    SetMethods(SetMethods),
    SetServices(SetServices),
    SetOvtKeys(SetOvtKeys),
    NewSecret(NewSecret),
}

/// Registers an initiator; its secrets are printed this once
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp initiator add --config kdp.toml --sender-id bank_kdp --name 'Bank' --bin 260140990117 \
                  --methods 1,2,5 --services GBDFLUniversal_token,GBDRN_token --max-term-days 90 --ovt-key bank.cert.pem"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
struct Add {
    /// The configuration
    #[arg(long)]
    config: PathBuf,
    /// sender/senderId of its messages
    #[arg(long)]
    sender_id: String,
    /// Name of the organisation
    #[arg(long)]
    name: String,
    /// BIN of the organisation
    #[arg(long)]
    bin: String,
    /// Methods of asking that were agreed (F-4, I-7)
    #[arg(long, value_delimiter = ',', default_value = "1", value_parser = argument::method)]
    methods: Vec<Method>,
    #[arg(help = "ServiceIDs that it may ask for without a directory entry", long, value_delimiter = ',')]
    services: Vec<String>,
    /// Longest life of its security tokens, days
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u64).range(1..=366))]
    max_term_days: u64,
    /// How it proves who it is
    #[arg(long, value_enum, default_value_t = AuthWord::Password)]
    auth: AuthWord,
    /// Wrapper of the answers to it
    #[arg(long, value_enum, default_value_t = ReplyWord::Kdp)]
    reply: ReplyWord,
    /// One messageId for one body, and messageDate must be right
    #[arg(long)]
    strict: bool,
    #[arg(help = "personal_data_name may be empty", long)]
    legacy: bool,
    /// Take only verification tokens that are bound to the subject
    #[arg(long)]
    ovt_bound: bool,
    /// Form of the one-time code of method 5
    #[arg(long, value_enum, default_value_t = CodeWord::Digits)]
    code: CodeWord,
    /// Language of texts to it when a request names none: kk, ru or en
    #[arg(long, default_value = "ru")]
    lang: String,
    /// Public key or certificate of its verification tokens, PEM; repeatable
    #[arg(long, value_name = "PEM")]
    ovt_key: Vec<PathBuf>,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

/// Replaces the methods of an initiator
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp initiator set-methods bank_kdp --config kdp.toml --methods 1,2,5")]
struct SetMethods {
    /// Which initiator
    sender_id: String,
    /// The configuration
    #[arg(long)]
    config: PathBuf,
    /// All methods that it has from now on
    #[arg(long, value_delimiter = ',', required = true, value_parser = argument::method)]
    methods: Vec<Method>,
}

/// Replaces the services of an initiator
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp initiator set-services bank_kdp --config kdp.toml --services GBDFLUniversal_token,GBDRN_token"
)]
struct SetServices {
    /// Which initiator
    sender_id: String,
    /// The configuration
    #[arg(long)]
    config: PathBuf,
    #[arg(
        help = "All ServiceIDs that it may ask for from now on",
        long,
        value_delimiter = ',',
        required = true
    )]
    services: Vec<String>,
}

/// Replaces the keys of an initiator's verification tokens (I-10)
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp initiator set-ovt-keys bank_kdp --config kdp.toml --ovt-key bank.cert.pem"
)]
struct SetOvtKeys {
    /// Which initiator
    sender_id: String,
    /// The configuration
    #[arg(long)]
    config: PathBuf,
    /// Public key or certificate, PEM; repeatable; all that it has from now on
    #[arg(long, value_name = "PEM", required = true)]
    ovt_key: Vec<PathBuf>,
}

/// Replaces the secrets of an initiator; the old ones end at once, the new ones are printed this once
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp initiator new-secret bank_kdp --config kdp.toml")]
struct NewSecret {
    /// Which initiator
    sender_id: String,
    /// The configuration
    #[arg(long)]
    config: PathBuf,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum AuthWord {
    Password,
    Token,
    Both,
}

#[derive(Clone, Copy, ValueEnum)]
enum ReplyWord {
    Kdp,
    SyncChannel,
}

#[derive(Clone, Copy, ValueEnum)]
enum CodeWord {
    Digits,
    Alphanumeric,
}

/// Runs a subcommand.
pub async fn run(args: Args) -> Result {
    match args.command {
        Command::Add(args) => add(*args).await,
        Command::List(args) => show::list(&args).await,
        Command::Show(args) => show::show(&args).await,
        Command::SetMethods(SetMethods { sender_id, config, methods }) => {
            change(&config, &sender_id, "methods", |record| record.allowance.methods = sorted(methods)).await
        }
        Command::SetServices(SetServices { sender_id, config, services }) => {
            let services = service_ids(services)?;
            change(&config, &sender_id, "services", |record| record.allowance.services = services).await
        }
        Command::SetOvtKeys(SetOvtKeys { sender_id, config, ovt_key }) => {
            let keys = ovt_keys(&ovt_key)?;
            change(&config, &sender_id, "ovt_keys", |record| record.ovt_keys = keys).await
        }
        Command::NewSecret(args) => new_secret(&args).await,
    }
}

async fn add(args: Add) -> Result {
    let config = argument::config(&args.config)?;
    let json = args.json;
    let mut record = read(args)?;
    let opened = open_store(&config)?;
    if opened.store.registry().await?.senders.contains_key(&record.sender_id) {
        return Err(Failure::refused(format!("{} is registered already", record.sender_id)));
    }
    if record.ovt_keys.is_empty() && record.allowance.methods.iter().any(|method| method.needs_ovt()) {
        say("no --ovt-key: methods 2 to 4 are refused until `kdp initiator set-ovt-keys`");
    }
    let secrets = Secrets::generate(&opened, &mut record)?;
    store(&opened, record, "added").await?;
    Ok(secrets.outcome(json))
}

/// The registration that the flags describe, without secrets.
fn read(args: Add) -> Result<SenderRecord> {
    let wrong = |text: &str| Failure::unusable(text.to_owned());
    let id_fits = (1..=256).contains(&args.sender_id.len())
        && !args.sender_id.chars().any(|c| c.is_control() || c.is_whitespace());
    if !id_fits {
        return Err(wrong("--sender-id: 1 to 256 bytes without blanks"));
    }
    if args.name.trim().is_empty() || args.name.chars().any(char::is_control) {
        return Err(wrong("--name: must be a line of text"));
    }
    let lang = Lang::parse(&args.lang).ok_or_else(|| wrong("--lang: must be kk, ru or en"))?;
    Ok(SenderRecord {
        bin: argument::bin("--bin", &args.bin)?.as_str().to_owned(),
        name: args.name.trim().to_owned(),
        role: Role::Initiator,
        auth: match args.auth {
            AuthWord::Password => Auth::Password,
            AuthWord::Token => Auth::Token,
            AuthWord::Both => Auth::Both,
        },
        password: None,
        token: None,
        reply: match args.reply {
            ReplyWord::Kdp => ReplyForm::Kdp,
            ReplyWord::SyncChannel => ReplyForm::SyncChannel,
        },
        strict: args.strict,
        allowance: Allowance {
            methods: sorted(args.methods),
            services: if args.services.is_empty() { Vec::new() } else { service_ids(args.services)? },
            max_term_seconds: args.max_term_days * 86_400,
            legacy: args.legacy,
            ovt_bound: args.ovt_bound,
            code: match args.code {
                CodeWord::Digits => CodeForm::Digits,
                CodeWord::Alphanumeric => CodeForm::Alphanumeric,
            },
        },
        ovt_keys: ovt_keys(&args.ovt_key)?,
        lang: lang.code().to_owned(),
        sender_id: args.sender_id,
    })
}

fn sorted(mut methods: Vec<Method>) -> Vec<Method> {
    methods.sort_unstable();
    methods.dedup();
    methods
}

fn service_ids(ids: Vec<String>) -> Result<Vec<String>> {
    let ids = ids.into_iter().map(|id| id.trim().to_owned());
    let sound = |id: &String| !id.is_empty() && !id.contains([';', ',']);
    let set = ids.clone().all(|id| sound(&id)).then(|| ServiceIds::collect(ids)).flatten();
    set.map(|set| set.as_slice().to_vec())
        .ok_or_else(|| Failure::unusable("--services: ServiceIDs of 1 to 128 bytes, separated by commas"))
}

fn ovt_keys(paths: &[PathBuf]) -> Result<Vec<String>> {
    let read = |path: &PathBuf| {
        let pem = argument::text_file(path)?;
        if pem.contains("PRIVATE KEY") {
            return Err(Failure::unusable(format!(
                "{}: holds a private key; give the public half",
                path.display()
            )));
        }
        OvtKey::from_pem(&pem, None)
            .map_err(|error| Failure::unusable(format!("{}: {error}", path.display())))?;
        Ok(pem.to_string())
    };
    paths.iter().map(read).collect()
}

/// Secrets of an initiator, known here alone and only now.
struct Secrets {
    sender_id: String,
    password: Option<String>,
    token: Option<String>,
}

impl Secrets {
    /// Generates what the sender's `auth` needs and puts the keyed hashes into its record.
    fn generate(opened: &Opened, record: &mut SenderRecord) -> Result<Self> {
        let one = |kind: &'static str, needed: bool| -> Result<(Option<String>, Option<String>)> {
            if !needed {
                return Ok((None, None));
            }
            let secret = random::secret(&*opened.random)?;
            let hash = seal::hex(&secret_hash(&*opened.seal, kind, &record.sender_id, &secret));
            Ok((Some(secret), Some(hash)))
        };
        let (password, password_hash) = one("password", record.auth != Auth::Token)?;
        let (token, token_hash) = one("token", record.auth != Auth::Password)?;
        (record.password, record.token) = (password_hash, token_hash);
        Ok(Self { sender_id: record.sender_id.clone(), password, token })
    }

    fn outcome(self, as_json: bool) -> Outcome {
        say("the secrets are shown this once: only keyed hashes are kept");
        let value = json!({ "sender_id": self.sender_id, "password": self.password, "token": self.token });
        Outcome::either(as_json, &value, || {
            let rows =
                [("sender-id", Some(self.sender_id)), ("password", self.password), ("token", self.token)];
            let rows = rows.into_iter().filter_map(|(name, value)| Some(vec![name.to_owned(), value?]));
            argument::table(&rows.collect::<Vec<_>>())
        })
    }
}

async fn new_secret(args: &NewSecret) -> Result {
    let opened = open_store(&argument::config(&args.config)?)?;
    let mut record = find(&opened.store.registry().await?, &args.sender_id)?;
    let secrets = Secrets::generate(&opened, &mut record)?;
    store(&opened, record, "new secrets").await?;
    Ok(secrets.outcome(args.json))
}

async fn change(
    config: &std::path::Path,
    sender_id: &str,
    what: &'static str,
    apply: impl FnOnce(&mut SenderRecord),
) -> Result {
    let opened = open_store(&argument::config(config)?)?;
    let mut record = find(&opened.store.registry().await?, sender_id)?;
    apply(&mut record);
    store(&opened, record, what).await?;
    Ok(Outcome::accepted(format!("{sender_id}: {what} replaced\n")))
}

/// The registration of an initiator; senders of other roles are not this command's business.
fn find(registry: &Registry, sender_id: &str) -> Result<SenderRecord> {
    let sender = registry.senders.get(sender_id).filter(|sender| sender.record.role == Role::Initiator);
    sender
        .map(|sender| sender.record.clone())
        .ok_or_else(|| Failure::refused(format!("{sender_id} is not registered as an initiator")))
}

async fn store(opened: &Opened, record: SenderRecord, what: &str) -> Result<()> {
    // What is stored must be readable by the service, or it would not start.
    record.clone().read()?;
    let journal = Record {
        at: opened.clock.now(),
        kind: "registration",
        sender: record.sender_id.clone(),
        outcome: what.to_owned(),
        detail: json!({
            "role": record.role, "bin": record.bin, "auth": record.auth, "allowance": record.allowance,
            "ovt_keys": record.ovt_keys.len(),
        })
        .to_string(),
        ..Record::default()
    };
    Ok(opened.store.register_sender(record, journal).await?)
}
