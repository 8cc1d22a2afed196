//! What `kdp initiator` and `kdp owner` have in common: senders, their secrets and their registration.

pub mod show;

use super::access::Access;
use super::{Failure, Outcome, Result, argument, registration, say};
use clap::ValueEnum;
use kdp::consent::method::Allowance;
use kdp::dispatch::secret_hash;
use kdp::random;
use kdp::registry::{Auth, Registry, ReplyForm, Role, SenderRecord};
use kdp::store::register::Item;
use kdp::store::seal;
use kdp::text::Lang;
use serde_json::{Value, json};

/// Who a new sender is and how it is spoken with.
#[derive(clap::Args)]
pub struct Identity {
    /// sender/senderId of its messages
    #[arg(long)]
    sender_id: String,
    /// Name of the organisation
    #[arg(long)]
    name: String,
    /// BIN of the organisation
    #[arg(long)]
    bin: String,
    /// How it proves who it is
    #[arg(long, value_enum, default_value_t = AuthWord::Password)]
    auth: AuthWord,
    /// Wrapper of the answers to it
    #[arg(long, value_enum, default_value_t = ReplyWord::Kdp)]
    reply: ReplyWord,
    /// One messageId for one body, and messageDate must be right
    #[arg(long)]
    strict: bool,
    /// Language of texts to it when a request names none: kk, ru or en
    #[arg(long, default_value = "ru", value_parser = argument::lang)]
    lang: Lang,
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

impl Identity {
    /// The registration that the flags describe, without secrets, keys and permits.
    pub fn record(self, role: Role, allowance: Allowance) -> Result<SenderRecord> {
        let id_fits = (1..=256).contains(&self.sender_id.len())
            && !self.sender_id.chars().any(|c| c.is_control() || c.is_whitespace());
        if !id_fits {
            return Err(Failure::unusable("--sender-id: 1 to 256 bytes without blanks"));
        }
        Ok(SenderRecord {
            bin: argument::bin("--bin", &self.bin)?.as_str().to_owned(),
            name: argument::line("--name", &self.name)?,
            role,
            auth: match self.auth {
                AuthWord::Password => Auth::Password,
                AuthWord::Token => Auth::Token,
                AuthWord::Both => Auth::Both,
            },
            password: None,
            token: None,
            reply: match self.reply {
                ReplyWord::Kdp => ReplyForm::Kdp,
                ReplyWord::SyncChannel => ReplyForm::SyncChannel,
            },
            strict: self.strict,
            allowance,
            ovt_keys: Vec::new(),
            permits: Vec::new(),
            suspensions: Vec::new(),
            lang: self.lang.code().to_owned(),
            sender_id: self.sender_id,
        })
    }
}

/// Registers a sender that nobody has registered yet, with secrets that are told this once.
pub async fn add(access: &Access, mut record: SenderRecord, detail: Value, as_json: bool) -> Result {
    if access.registry().await?.senders.contains_key(&record.sender_id) {
        return Err(Failure::refused(format!("{} is registered already", record.sender_id)));
    }
    let secrets = Secrets::generate(access, &mut record)?;
    keep(access, record, 0, "added", detail).await?;
    Ok(secrets.outcome(as_json))
}

/// Gives a sender new secrets; the old ones end at once.
pub async fn new_secret(access: &Access, sender_id: &str, roles: &[Role], as_json: bool) -> Result {
    let (mut record, revision) = find(&access.registry().await?, sender_id, roles)?;
    let secrets = Secrets::generate(access, &mut record)?;
    keep(access, record, revision, "new secrets", Value::Null).await?;
    Ok(secrets.outcome(as_json))
}

/// The registration of a sender and its revision; senders of other roles are not the command's business.
pub fn find(registry: &Registry, sender_id: &str, roles: &[Role]) -> Result<(SenderRecord, u32)> {
    let sender = registry.senders.get(sender_id).filter(|sender| roles.contains(&sender.record.role));
    sender.map(|sender| (sender.record.clone(), sender.revision)).ok_or_else(|| {
        let words: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
        let article =
            if words.first().is_some_and(|word| word.starts_with(['i', 'o', 'e'])) { "an" } else { "a" };
        Failure::refused(format!("{sender_id} is not registered as {article} {}", words.join(" or ")))
    })
}

/// Keeps a registration as the revision after `revision`; `detail` is what the journal keeps beside the usual.
pub async fn keep(
    access: &Access,
    record: SenderRecord,
    revision: u32,
    did: &str,
    detail: Value,
) -> Result<()> {
    // What is stored must be readable by the service, or it would not start.
    record.clone().read(revision)?;
    let mut told = registration::detail(json!({
        "role": record.role, "bin": record.bin, "auth": record.auth, "allowance": record.allowance,
        "ovt_keys": record.ovt_keys.len(),
    }));
    told.extend(registration::detail(detail));
    registration::register(access, Item::Sender(Box::new(record)), revision, did, told).await.map(|_| ())
}

/// Secrets of a sender, known here alone and only now.
struct Secrets {
    sender_id: String,
    password: Option<String>,
    token: Option<String>,
}

impl Secrets {
    /// Generates what the sender's `auth` needs and puts the keyed hashes into its record.
    fn generate(access: &Access, record: &mut SenderRecord) -> Result<Self> {
        let one = |kind: &'static str, needed: bool| -> Result<(Option<String>, Option<String>)> {
            if !needed {
                return Ok((None, None));
            }
            let secret = random::secret(access.random())?;
            let hash = seal::hex(&secret_hash(access.seal(), kind, &record.sender_id, &secret));
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
