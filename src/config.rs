//! The configuration: one TOML file, unknown keys refused, secrets only by file path. `deploy/kdp.toml` shows all of it.

mod syntax;

use crate::consent::Spans;
use crate::consent::calendar::FirstDay;
use crate::consent::revocation::Rule;
use crate::consent::sms::{Sources, TemplateError, Templates};
use crate::dispatch::Service;
use crate::store::Sweeping;
use crate::store::location::{Location, Synchronous};
use crate::trust::outgoing::KeyInfoForm;
use crate::trust::revocation::Revocation as CertificateRevocation;
use crate::trust::revocation::ocsp::Hash;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

macro_rules! section {
    ($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty = $default:expr),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name { $($(#[$field_meta])* pub $field: $type),* }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default),* }
            }
        }
    };
}

mod database;
mod journal;
mod limit;
mod outside;

pub use journal::Journal;
pub use limit::Limits;
pub use outside::{Bmg, Driver, Kannel, Shep, SmsSection};

/// What `log.level` may be: what else a filter understands is not offered, and its reader fails on some texts.
const LOG_LEVELS: [&str; 4] = ["error", "warn", "info", "debug"];

/// Longest time for a question to OCSP, milliseconds: less than an error is remembered, else everybody would ask again.
const MAX_OCSP_TIMEOUT: u32 = 4000;

/// The whole file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `production` or `test`.
    pub environment: Environment,
    /// Listeners.
    pub listen: Listen,
    /// TLS of the public listener.
    pub tls: Option<Tls>,
    /// Where state lives.
    pub database: Database,
    /// The security token.
    pub token: Token,
    /// Authorities, and the service's own certificate.
    pub trust: TrustSection,
    /// Who may sign messages.
    pub peers: BTreeMap<String, PeerSection>,
    /// ШЭП, as the service calls others through it.
    pub shep: Shep,
    /// БМГ.
    pub bmg: Bmg,
    /// 1414.
    pub sms: SmsSection,
    /// Limits.
    pub limits: Limits,
    /// One-time codes.
    pub method_5: Method5,
    /// The review of applications for revocation.
    pub revocation: Revocation,
    /// Names of the services on the wire.
    pub services: Services,
    /// Words of `data/status`.
    pub words: Words,
    /// How long things are kept.
    pub retention: Retention,
    /// The journal.
    pub journal: Journal,
    /// Logins of operators.
    pub operators: Operators,
    /// The log.
    pub log: Log,
}

/// Whether test certificates may be trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// No test PKI, `synchronous = "full"`.
    #[default]
    Production,
    /// Stands and benchmarks.
    Test,
}

section! {
    /// `[listen]`
    Listen {
        /// Public listener.
        public: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 8414)),
        /// Health and metrics.
        admin: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 8415)),
        /// Whether the public listener may speak plain HTTP off loopback: TLS ends before it.
        plain: bool = false,
        /// Address of the service as callers reach it, for the WSDL; empty: from the listener.
        base_url: String = String::new(),
    }
}

/// `[tls]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Certificate chain, PEM.
    pub certificate: PathBuf,
    /// Private key, PEM.
    pub key: PathBuf,
    /// Authorities of the clients' certificates, PEM; without it, clients show none.
    #[serde(default)]
    pub client_ca: Option<PathBuf>,
}

section! {
    /// `[database]`
    Database {
        /// `sqlite:///var/lib/kdp/kdp.db`; for many nodes `postgres://user@host,host/database?sslmode=require`
        url: String = "sqlite:///var/lib/kdp/kdp.db".to_owned(),
        /// `PostgreSQL`: the name of this node, unlike that of every other; empty: that of the host.
        node: String = String::new(),
        /// `PostgreSQL`: most connections of this node.
        connections: u32 = 16,
        /// `PostgreSQL`: authorities of the server's certificate, PEM.
        authorities: Option<PathBuf> = None,
        /// `PostgreSQL`: a file with the password, which the url then leaves out.
        password_file: Option<PathBuf> = None,
        /// `full`, or `off` with `environment = "test"`.
        synchronous: Synchronous = Synchronous::Full,
        /// Sealing keys: lines `number hex`, the first seals.
        seal_keys: PathBuf = PathBuf::from("/etc/kdp/seal.keys"),
        /// A program, with its arguments, that prints them; then `seal_keys` is empty.
        seal_command: Vec<String> = Vec::new(),
        /// Lookup key: one line `1 hex`.
        lookup_key: PathBuf = PathBuf::from("/etc/kdp/lookup.key"),
        /// A program, with its arguments, that prints it; then `lookup_key` is empty.
        lookup_command: Vec<String> = Vec::new(),
    }
}

section! {
    /// `[token]`
    Token {
        /// `iss` of the security tokens.
        issuer: String = "kdp".to_owned(),
        /// How long a key signs, days.
        key_days: i64 = 90,
        /// How long a new key is published before it signs, hours.
        key_lead_hours: i64 = 24,
        /// Address of the status list as owners reach it; empty: `/token-status` beside the service.
        status_url: String = String::new(),
        /// How long owners may keep a status list, seconds: it is signed anew at most so often.
        status_ttl_seconds: i64 = 300,
    }
}

section! {
    /// `[trust]`
    TrustSection {
        /// Certificates of authorities, PEM or DER.
        authorities: Vec<PathBuf> = Vec::new(),
        /// The service's certificate for its answers.
        certificate: PathBuf = PathBuf::from("/etc/kdp/service.cert.pem"),
        /// Its private key.
        key: PathBuf = PathBuf::from("/etc/kdp/service.key.pem"),
        /// `certificate`, `issuer-serial`, `binary-token` or `x509-data`.
        answer_key_info: KeyInfoForm = KeyInfoForm::Certificate,
        /// Whether verification tokens may be signed by GG2004, ГОСТ 34.310-2004 (trust.md 4).
        ovt_gg2004: bool = false,
        /// Whether certificates were revoked.
        revocation: TrustRevocation = TrustRevocation::default(),
    }
}

section! {
    /// `[trust.revocation]`
    TrustRevocation {
        /// `crl`, `ocsp`, `ocsp-then-crl`, or `none` with `environment = "test"`.
        mode: RevocationMode = RevocationMode::Crl,
        /// Lists of revoked certificates.
        lists: Vec<ListPlaces> = Vec::new(),
        /// Address of the OCSP service.
        ocsp: String = String::new(),
        /// Hash in the name of a certificate, `sha1` or `sha256`.
        ocsp_hash: Hash = Hash::Sha1,
        /// Time for one question to it, milliseconds.
        ocsp_timeout_ms: u32 = 2000,
        /// How often lists are fetched, seconds.
        refresh_seconds: u32 = 3600,
        /// Folder in which the last good lists are kept.
        keep: PathBuf = PathBuf::from("/var/lib/kdp/revocation"),
    }
}

/// How it is found out whether a certificate was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RevocationMode {
    /// By the lists.
    Crl,
    /// By asking the authority.
    Ocsp,
    /// The same, and by the lists when it is out of reach.
    OcspThenCrl,
    /// Not at all.
    None,
}

/// Where the lists of one authority are: paths or `http://` addresses.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListPlaces {
    /// The full list.
    pub full: String,
    /// What changed since.
    #[serde(default)]
    pub delta: Option<String>,
}

/// `[peers.NAME]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerSection {
    /// `gateway` or `direct`.
    pub kind: PeerKindWord,
    /// Pinned certificates. A direct peer without any chains to an authority by its BIN.
    #[serde(default)]
    pub certificates: Vec<PathBuf>,
    /// The sender that a direct peer speaks for; without it, any sender of its BIN.
    #[serde(default)]
    pub sender_id: Option<String>,
    /// `ignored`, `required` or `subject`.
    #[serde(default)]
    pub data_signature: DataSignature,
}

/// What is asked of the signatures on the data of a peer's messages (trust.md 1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DataSignature {
    /// Nothing: they are passed over.
    #[default]
    Ignored,
    /// All of them hold, and one is by a certificate with the sender's BIN.
    Required,
    /// Of `KDP_REVOKE` with `applicant` `subject`: all of them hold, and one is by a certificate with the IIN `uin`
    /// (wire.md 2.4). Of other messages, nothing.
    Subject,
}

/// Kinds of peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PeerKindWord {
    /// ШЭП.
    Gateway,
    /// Signs itself.
    Direct,
}

section! {
    /// `[method_5]`
    Method5 {
        /// Life of a one-time code, seconds.
        code_seconds: i64 = 300,
        /// Tries.
        attempts: u32 = 3,
        /// Wrong codes of one initiator a day.
        wrong_codes_per_initiator: u32 = 1000,
    }
}

section! {
    /// `[revocation]`
    Revocation {
        /// Working days of the review (F-18).
        working_days: u32 = crate::consent::revocation::REVIEW_DAYS,
        /// Day 1: `next`, the first working day after the application, or `same`, its own day if it is one.
        first_day: FirstDay = FirstDay::Next,
    }
}

section! {
    /// `[services]`
    Services {
        /// serviceId of access requests.
        access_request: String = "KDP_SERVICE".to_owned(),
        /// Log of accesses.
        personal_data: String = "KDP_PERSONALDATA".to_owned(),
        /// Open applications for revocation.
        list_to_revoke: String = "KDP_LIST_TO_REVOKE".to_owned(),
        /// Decision on one.
        send_solution: String = "KDP_SEND_SOLUTION".to_owned(),
        /// Token check.
        check_token: String = "KDP_CHECK_TOKEN".to_owned(),
        /// Application for revocation.
        revoke: String = "KDP_REVOKE".to_owned(),
        /// SMS of subjects, and reports of delivery.
        sms_reply: String = "KDP_SMS_REPLY".to_owned(),
    }
}

section! {
    /// `[words]`
    Words {
        /// The subject is awaited.
        pending: String = "PENDING".to_owned(),
        /// Granted.
        valid: String = "VALID".to_owned(),
        /// Refused.
        invalid: String = "INVALID".to_owned(),
        /// No answer.
        timeout: String = "TIMEOUT".to_owned(),
        /// No number.
        not_found: String = "NOT_FOUND".to_owned(),
        /// Data wrong, or a failure of ours.
        error: String = "ERROR".to_owned(),
    }
}

section! {
    /// `[retention]`
    Retention {
        /// Who a request was about, days after its end; then only counts remain.
        decision_days: u32 = 5 * 365,
        /// Phone numbers, days after the end of the request.
        phone_days: u32 = 90,
        /// Accesses of owners to tokens (F-14 6)), days; the journal keeps its record of each.
        access_days: u32 = 5 * 365,
    }
}

section! {
    /// `[operators]`
    Operators {
        /// Program that judges a code of the second factor.
        second_factor: Option<PathBuf> = None,
    }
}

section! {
    /// `[log]`
    Log {
        /// `error`, `warn`, `info` or `debug`.
        level: String = "info".to_owned(),
    }
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{0}: {1}")]
    File(PathBuf, std::io::ErrorKind),
    /// Not TOML of this shape; the text names line and key, and shows no value.
    #[error("{0}")]
    Syntax(String),
    /// A value that makes no sense; names the key.
    #[error("{0}")]
    Value(String),
    /// A text of an SMS.
    #[error("[sms]: {0}")]
    Template(#[from] TemplateError),
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ConfigError`] with the line.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|e| ConfigError::File(path.to_owned(), e.kind()))?;
        Self::parse(&text)
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`ConfigError::Syntax`] with the line, [`ConfigError::Value`], [`ConfigError::Template`].
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|e| ConfigError::Syntax(syntax::told(text, &e)))?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let value = |text: &str| Err(ConfigError::Value(text.to_owned()));
        if self.database.synchronous == Synchronous::Off && self.environment != Environment::Test {
            return value("database.synchronous = \"off\" needs environment = \"test\"");
        }
        self.database.check()?;
        if self.trust.revocation.mode == RevocationMode::None && self.environment != Environment::Test {
            return value("trust.revocation.mode = \"none\" needs environment = \"test\"");
        }
        let revocation = CertificateRevocation::new(&self.trust.revocation).map_err(ConfigError::Value)?;
        if self.peers.values().any(|peer| peer.data_signature != DataSignature::Ignored) {
            if self.trust.authorities.is_empty() {
                return value(
                    "[peers]: data_signature needs trust.authorities, who issued the certificates of those who sign",
                );
            }
            if revocation.is_none() && self.environment != Environment::Test {
                return value(
                    "[peers]: data_signature needs trust.revocation: set its lists, or mode and ocsp, to know whose \
                     certificates were revoked",
                );
            }
        }
        if self.trust.revocation.ocsp_timeout_ms > MAX_OCSP_TIMEOUT {
            return value("trust.revocation.ocsp_timeout_ms must be at most 4000: messages wait for it");
        }
        let positive = [
            ("trust.revocation.refresh_seconds", i64::from(self.trust.revocation.refresh_seconds)),
            ("trust.revocation.ocsp_timeout_ms", i64::from(self.trust.revocation.ocsp_timeout_ms)),
            ("limits.answer_seconds", self.limits.answer_seconds),
            ("limits.retry_seconds", self.limits.retry_seconds),
            ("limits.collect_seconds", self.limits.collect_seconds),
            ("limits.ovt_lifetime_seconds", self.limits.ovt_lifetime_seconds),
            ("method_5.code_seconds", self.method_5.code_seconds),
            ("token.key_days", self.token.key_days),
            ("token.status_ttl_seconds", self.token.status_ttl_seconds),
            ("revocation.working_days", i64::from(self.revocation.working_days)),
            ("retention.decision_days", i64::from(self.retention.decision_days)),
            ("journal.head_seconds", i64::from(self.journal.head_seconds)),
            ("retention.phone_days", i64::from(self.retention.phone_days)),
            ("retention.access_days", i64::from(self.retention.access_days)),
            ("method_5.attempts", i64::from(self.method_5.attempts)),
            ("limits.read_seconds", i64::try_from(self.limits.read_seconds).unwrap_or(i64::MAX)),
            ("limits.exchange_seconds", i64::try_from(self.limits.exchange_seconds).unwrap_or(i64::MAX)),
            ("limits.body_bytes", i64::try_from(self.limits.body_bytes).unwrap_or(i64::MAX)),
            ("limits.in_flight", i64::try_from(self.limits.in_flight).unwrap_or(i64::MAX)),
            ("bmg.timeout_ms", i64::try_from(self.bmg.timeout_ms).unwrap_or(i64::MAX)),
            ("sms.timeout_ms", i64::try_from(self.sms.timeout_ms).unwrap_or(i64::MAX)),
            ("limits.sender_share", i64::from(self.limits.sender_share)),
            ("limits.queue", i64::try_from(self.limits.queue).unwrap_or(i64::MAX)),
            ("limits.connections", i64::try_from(self.limits.connections).unwrap_or(i64::MAX)),
        ];
        if let Some((name, _)) = positive.iter().find(|(_, n)| *n <= 0) {
            return Err(ConfigError::Value(format!("{name} must be more than 0")));
        }
        let mut ids = self.services.all().map(|(id, _)| id);
        ids.sort_unstable();
        if ids.windows(2).any(|pair| pair.first() == pair.last()) {
            return value("[services]: two services have one serviceId");
        }
        self.journal.check()?;
        outside::check(&self.shep, &self.bmg, &self.sms)?;
        if self.limits.header_bytes < 8192 {
            return value("limits.header_bytes must be at least 8192");
        }
        if !LOG_LEVELS.contains(&self.log.level.as_str()) {
            return value("log.level must be error, warn, info or debug");
        }
        self.templates().map(|_| ())
    }

    /// Where the state lives.
    ///
    /// # Errors
    /// [`ConfigError::Value`].
    pub fn location(&self) -> Result<Location, ConfigError> {
        self.database.location()
    }

    /// The same with this in place of `database.url`.
    ///
    /// # Errors
    /// [`ConfigError::Value`].
    pub fn location_at(&self, url: &str) -> Result<Location, ConfigError> {
        Database { url: url.to_owned(), ..self.database.clone() }.location()
    }

    /// The texts of the SMS.
    ///
    /// # Errors
    /// [`ConfigError::Template`].
    pub fn templates(&self) -> Result<Templates, ConfigError> {
        let built_in = Sources::default();
        let or = |own: &'static str, text: &str| -> String {
            if text.is_empty() { own.to_owned() } else { text.to_owned() }
        };
        let sms = &self.sms;
        let (ask, ask_code) = (or(built_in.ask, &sms.ask), or(built_in.ask_code, &sms.ask_code));
        let (help, help_code) = (or(built_in.help, &sms.help), or(built_in.help_code, &sms.help_code));
        let add_reference = or(built_in.add_reference, &sms.add_reference);
        Ok(Templates::parse(&Sources {
            ask: &ask,
            ask_code: &ask_code,
            help: &help,
            help_code: &help_code,
            add_reference: &add_reference,
        })?)
    }

    /// How the term of a review is counted.
    #[must_use]
    pub fn rule(&self) -> Rule {
        Rule { working_days: self.revocation.working_days, first: self.revocation.first_day }
    }

    /// What goes when, at `at` (Unix milliseconds).
    #[must_use]
    pub fn sweeping(&self, at: i64) -> Sweeping {
        let before = |days: u32| at.saturating_sub(i64::from(days) * 86_400_000);
        Sweeping {
            phones_before: before(self.retention.phone_days),
            persons_before: before(self.retention.decision_days),
            accesses_before: before(self.retention.access_days),
        }
    }

    /// Spans of consent.
    #[must_use]
    pub fn spans(&self) -> Spans {
        Spans {
            answer: self.limits.answer_seconds,
            code: self.method_5.code_seconds,
            retry: self.limits.retry_seconds,
            collect: self.limits.collect_seconds,
            attempts: self.method_5.attempts,
            wrong_codes: self.method_5.wrong_codes_per_initiator,
        }
    }
}

impl Services {
    /// The service with this serviceId.
    #[must_use]
    pub fn find(&self, service_id: &str) -> Option<Service> {
        self.all().into_iter().find(|(id, _)| *id == service_id).map(|(_, service)| service)
    }

    fn all(&self) -> [(&str, Service); 7] {
        [
            (&self.access_request, Service::AccessRequest),
            (&self.personal_data, Service::PersonalData),
            (&self.list_to_revoke, Service::ListToRevoke),
            (&self.send_solution, Service::SendSolution),
            (&self.check_token, Service::CheckToken),
            (&self.revoke, Service::Revoke),
            (&self.sms_reply, Service::SmsReply),
        ]
    }

    /// Metric label of this serviceId.
    #[must_use]
    pub fn label(&self, service_id: &str) -> &'static str {
        self.find(service_id).map_or("none", Service::label)
    }
}
