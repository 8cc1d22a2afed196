//! `kdp send`: a call of any service, built, signed, sent, and its answer explained.

mod answer;
mod identity;
mod message;
mod payload;
mod save;
mod scenario;
mod sender;

use super::{Failure, Outcome, Result};
use answer::{Answer, Asked};
use clap::{ArgAction, ValueEnum};
use hyper::Uri;
use identity::Identity;
use kdp::text::Lang;
use kdp::trust::outgoing::KeyInfoForm;
use payload::Payload;
use sender::Sender;
use std::path::PathBuf;
use std::time::Duration;

/// serviceId of access requests: what is sent unless another is named.
const ACCESS_REQUEST: &str = "KDP_SERVICE";

/// Where the sandbox listens unless it is told otherwise.
const SANDBOX: &str = "http://127.0.0.1:8414/shep/sync";

/// Builds, signs and sends a call of any service; prints the answer and, on a no, why and what to do.
///
/// With --as NAME the sandbox on this machine is asked for that peer's key, certificate, secrets and BIN, and a
/// verification token is made for the methods that need one. The token of a VALID answer is the last line.
///
/// Another service is named by --service-id, its elements by --set or a file; it answers SCSS001, or it is a no.
///
/// Exit 0: VALID or PENDING (or --cancel has cancelled, or all checks of a --dry-run pass), an active token; 1: any other
/// status, a fault, or an answer whose signature is not believed; 2: not readable, not reachable, wrong use.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Payload: XML of the children of data, or an unsigned envelope; flags win over what it says
    request: Option<PathBuf>,
    #[arg(help = "Where to send it; http://127.0.0.1:8414/shep/sync, the sandbox, unless given", long)]
    url: Option<Uri>,
    /// Be this initiator of the sandbox at --url
    #[arg(long = "as", value_name = "NAME", group = "who")]
    peer: Option<String>,
    /// Sign as this gateway of the sandbox, which speaks for the initiator
    #[arg(long, value_name = "NAME", requires = "who")]
    via: Option<String>,
    /// Sign with this kind of the sandbox's keys; with the one that `kdp sandbox --crypto` chose, unless given
    #[arg(long, value_enum, requires = "who")]
    crypto: Option<KeyKindWord>,
    /// Private key to sign with, PEM: RSA or ГОСТ
    #[arg(long, requires = "cert")]
    key: Option<PathBuf>,
    /// Its certificate, PEM or DER
    #[arg(long, requires = "key")]
    cert: Option<PathBuf>,
    /// How the signature names the certificate; certificate, unless given
    #[arg(long, value_enum)]
    key_info: Option<KeyInfoWord>,
    /// sender/senderId
    #[arg(long)]
    sender_id: Option<String>,
    /// File with sender/password
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// File with the authentication token
    #[arg(long, value_name = "FILE")]
    auth_token_file: Option<PathBuf>,
    #[arg(
        help = "requestInfo/serviceId; that of the envelope in the file, or KDP_SERVICE, unless given",
        long
    )]
    service_id: Option<String>,
    /// While the answer is PENDING, repeat the request by its id for this long
    #[arg(long, value_name = "SECONDS", conflicts_with_all = ["print", "cancel"])]
    wait: Option<u64>,
    /// Certificate of the service, or of the authority that issued it; repeatable; with --as the sandbox's unless given
    #[arg(long, value_name = "CERT", action = ArgAction::Append)]
    trust: Vec<PathBuf>,
    /// Authorities of an https server, PEM
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// Keep each request and its answer, as they were sent, in files of this directory; they hold secrets and persons
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
    /// Only print the signed envelope
    #[arg(long, conflicts_with = "save")]
    print: bool,
    /// Print {"http", "status", "data", "fault", "remedy", "signature"}; of a scenario {"title", "steps", "passed", …}
    #[arg(long, conflicts_with = "print")]
    json: bool,
    /// Run the calls of a scenario, TOML; what --url, --tls-ca, --trust, --via, --crypto and --key-info say wins over it
    #[arg(long, value_name = "FILE", group = "who", conflicts_with_all = OF_ONE_CALL)]
    scenario: Option<PathBuf>,
    /// A value of the scenario, instead of its own; repeatable
    #[arg(long, value_name = "NAME=VALUE", action = ArgAction::Append, requires = "scenario")]
    value: Vec<String>,
    #[arg(
        help = "Write the outcome of the scenario as JUnit XML too",
        long,
        value_name = "FILE",
        requires = "scenario"
    )]
    junit: Option<PathBuf>,
    #[command(flatten)]
    payload: payload::Flags,
}

/// What a scenario says for each of its calls.
const OF_ONE_CALL: [&str; 28] = [
    "request",
    "peer",
    "key",
    "cert",
    "sender_id",
    "password_file",
    "auth_token_file",
    "service_id",
    "wait",
    "print",
    "uin",
    "bin",
    "company",
    "service",
    "method",
    "data",
    "term",
    "ovt",
    "directory_id",
    "ground",
    "proactive",
    "request_id",
    "code",
    "cancel",
    "dry_run",
    "ovt_key",
    "mcheck",
    "set",
];

/// Examples, and what `--set` may name.
const HELP: &str = "Example:
  kdp send --as bank --method 2 --uin 800101399015 --service GBDFLUniversal_token
  kdp send --as bank --method 1 --uin 800101399015 --service GBDFLUniversal_token --dry-run
  kdp send --as egov --service-id KDP_REVOKE --set uin=800101399015 --set applicant=subject --set request_id=ID

Without a sandbox:
  kdp send request.xml --url https://shep.example/shep/sync --tls-ca ca.pem --key my.key.pem --cert my.cert.pem \
--sender-id my_system --password-file password.txt --trust service.cert.pem

A list of calls with what must come of them:
  kdp send --scenario deploy/scenario/ten-answers.toml --junit report.xml

Elements of the services beside KDP_SERVICE:
  KDP_CHECK_TOKEN     service_id, and code, or token_id with uin; requested_at
  KDP_PERSONALDATA    uin, start_date, end_date
  KDP_REVOKE          uin, applicant (subject; representative with authority), token_id or request_id, comment;
                      or application_id alone
  KDP_LIST_TO_REVOKE  after, limit
  KDP_SEND_SOLUTION   application_id, decision (approve, refuse); to refuse, reason and one of obligation,
                      act/name act/number act/date act/article, contract/number contract/date contract/name
  KDP_SMS_REPLY       msisdn, text, received_at, sms_id; or sms_id and state";

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum KeyKindWord {
    Rsa,
    Gost,
}

#[derive(Clone, Copy, ValueEnum)]
enum KeyInfoWord {
    Certificate,
    IssuerSerial,
    BinaryToken,
    X509Data,
}

impl From<KeyInfoWord> for KeyInfoForm {
    fn from(word: KeyInfoWord) -> Self {
        match word {
            KeyInfoWord::Certificate => Self::Certificate,
            KeyInfoWord::IssuerSerial => Self::IssuerSerial,
            KeyInfoWord::BinaryToken => Self::BinaryToken,
            KeyInfoWord::X509Data => Self::X509Data,
        }
    }
}

/// One call as the flags describe it.
struct Call {
    sender: Sender,
    payload: Payload,
    asked: Asked,
    lang: Lang,
    /// How long the subject is awaited.
    wait: Option<Duration>,
}

impl Call {
    /// Reads what the flags name, and asks the sandbox for what they do not say.
    async fn prepare(args: &Args) -> Result<Self> {
        let mut file = args.request.as_deref().map(payload::File::read).transpose()?.unwrap_or_default();
        let service_id = args.service_id.clone().or_else(|| file.service_id.take());
        let service_id = service_id.unwrap_or_else(|| ACCESS_REQUEST.to_owned());
        let client = sender::client(args)?;
        let identity = Identity::learn(args, &client, &file).await?;
        let asks = service_id == ACCESS_REQUEST;
        let payload = Payload::build(&args.payload, file, &identity, asks)?;
        let sender = Sender::new(args, client, identity, service_id)?;
        let asked = match asks {
            false => Asked::Other,
            true if payload.is_set("dry_run") => Asked::DryRun,
            true if payload.is_set("cancel") => Asked::Cancelling,
            true => Asked::Access,
        };
        let lang = payload.get("lang").and_then(Lang::parse).unwrap_or_default();
        Ok(Self { sender, payload, asked, lang, wait: args.wait.map(Duration::from_secs) })
    }

    /// Sends it, and asks again while the subject is awaited.
    async fn answer(&self) -> Result<Answer> {
        let answer = self.sender.exchange(self.sender.envelope(&self.payload)?).await?;
        match self.wait {
            Some(longest) => self.sender.wait(answer, &self.payload, longest).await,
            None => Ok(answer),
        }
    }
}

/// Sends one call, or those of a scenario.
pub async fn run(args: &Args) -> Result {
    if let Some(path) = &args.scenario {
        return Box::pin(scenario::run(args, path)).await;
    }
    let call = Call::prepare(args).await?;
    if args.print {
        let envelope = String::from_utf8(call.sender.envelope(&call.payload)?);
        let envelope = envelope.map_err(|_| Failure::unusable("the envelope is not UTF-8"))?;
        return Ok(Outcome::accepted(envelope + "\n"));
    }
    Ok(call.answer().await?.report(call.lang, call.asked, args.json))
}

#[cfg(test)]
mod tests {
    use super::HELP;
    use kdp::service::{check_token, list_to_revoke, personal_data, revoke, send_solution, sms_reply};

    #[test]
    fn the_help_names_every_element_of_every_service() {
        for (service, names) in [
            ("KDP_CHECK_TOKEN", check_token::NAMES),
            ("KDP_PERSONALDATA", personal_data::NAMES),
            ("KDP_REVOKE", revoke::NAMES),
            ("KDP_LIST_TO_REVOKE", list_to_revoke::NAMES),
            ("KDP_SEND_SOLUTION", send_solution::NAMES),
            ("KDP_SMS_REPLY", sms_reply::NAMES),
        ] {
            let told =
                HELP.split(&format!("\n  {service} ")).nth(1).unwrap().split("\n  KDP_").next().unwrap();
            let told: Vec<&str> = told.split([' ', ',', ';', '(', ')', '\n']).collect();
            for name in names.iter().filter(|name| !["auth_token", "act", "contract"].contains(name)) {
                assert!(told.contains(name), "{service}: {name}");
            }
        }
    }
}
