//! A service that is set up in a directory, and whom it knows: an initiator, an owner, a system of the e-government.

#[path = "../common/operator.rs"]
mod operator;

use crate::server::{Care, Server};
use kdp::config::Config;
use kdp::consent::directory::{Ground, Name, ProactiveService};
use kdp::consent::method::{Allowance, CodeForm, Method};
use kdp::dispatch::secret_hash;
use kdp::registry::{Auth, ReplyForm, Role, SenderRecord};
use kdp::serve::{Opened, open_store};
use kdp::store::Record;
use kdp::store::register::Item;
use kdp::store::seal::{Seal, hex};
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The `ServiceIDs` that the bank asks for and the owner owns.
pub const SERVICES: &str = "GBDFLUniversal_token;GBDRN_token";

/// The folder of the server.
const SERVER: &str = "server";

/// Who sends a message.
pub struct Sender {
    pub id: &'static str,
    pub bin: &'static str,
    role: Role,
}

/// The initiator.
pub const BANK: Sender = Sender { id: "bank_kdp", bin: "260140990117", role: Role::Initiator };
/// The owner of the registers.
pub const OWNER: Sender = Sender { id: "owner_kdp", bin: "260140990513", role: Role::Owner };
/// The portal on which subjects see who asked.
pub const EGOV: Sender = Sender { id: "egov_kdp", bin: "260140990612", role: Role::Egov };

/// «Мобильное правительство», which brings what subjects answer.
pub const SMS: Sender = Sender { id: "sms_kdp", bin: "260140990711", role: Role::Sms };
/// The ground of methods 3 and 4.
pub const GROUND: &str = "L-9-1";
/// The proactive service.
pub const CODE: &str = "PS-1";

/// Other initiators, which ask while the bank floods.
pub const OTHERS: [Sender; 8] = [
    Sender { id: "other_0", bin: "260140997005", role: Role::Initiator },
    Sender { id: "other_1", bin: "260140997104", role: Role::Initiator },
    Sender { id: "other_2", bin: "260140997203", role: Role::Initiator },
    Sender { id: "other_3", bin: "260140997302", role: Role::Initiator },
    Sender { id: "other_4", bin: "260140997401", role: Role::Initiator },
    Sender { id: "other_5", bin: "260140997500", role: Role::Initiator },
    Sender { id: "other_6", bin: "260140997709", role: Role::Initiator },
    Sender { id: "other_7", bin: "260140997808", role: Role::Initiator },
];

impl Sender {
    /// Its password here: nobody else can reach these services.
    pub fn password(&self) -> String {
        format!("password of {}", self.id)
    }

    fn record(&self, seal: &dyn Seal) -> SenderRecord {
        let key = fs::read_to_string(pki("bank.cert.pem")).expect("a fixture");
        SenderRecord {
            sender_id: self.id.to_owned(),
            name: format!("Песочный {}", self.id),
            role: self.role,
            bin: self.bin.to_owned(),
            auth: Auth::Password,
            password: Some(hex(&secret_hash(seal, "password", self.id, &self.password()))),
            token: None,
            reply: ReplyForm::Kdp,
            strict: false,
            allowance: Allowance {
                methods: vec![Method::Sms, Method::OwnMeans, Method::Proactive, Method::Logging],
                services: SERVICES.split(';').map(str::to_owned).collect(),
                max_term_seconds: 366 * 86_400,
                logging: true,
                legacy: false,
                ovt_bound: false,
                code: CodeForm::Digits,
            },
            ovt_keys: if self.role == Role::Initiator { vec![key] } else { Vec::new() },
            permits: Vec::new(),
            suspensions: Vec::new(),
            lang: "ru".to_owned(),
        }
    }
}

/// `database.synchronous`.
#[derive(Clone, Copy)]
pub enum Disk {
    Full,
    Off,
}

/// How a service is configured; every limit keeps its default.
#[derive(Clone, Copy)]
pub struct Settings {
    pub disk: Disk,
    /// `token.status_ttl_seconds`.
    pub status_ttl: u32,
    /// ШЭП, behind which БМГ and 1414 are; `None`: nobody is there.
    pub shep: Option<SocketAddr>,
}

impl From<Disk> for Settings {
    fn from(disk: Disk) -> Self {
        Self { disk, status_ttl: 300, shep: None }
    }
}

/// What the database is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A file of `SQLite`.
    File,
    /// A server of `PostgreSQL`, in a folder beside the keys.
    Server,
}

/// Keys, database and configuration of one service.
pub struct Installation {
    // Ends before its directory goes.
    server: Option<Server>,
    directory: PathBuf,
    /// Removed with it, if it was made for this run.
    _temporary: Option<tempfile::TempDir>,
}

impl Installation {
    /// Sets one up below `place` for this run.
    pub fn temporary(place: &Path) -> Self {
        Self::temporary_on(Engine::File, place)
    }

    /// The same, its database of this kind.
    pub fn temporary_on(engine: Engine, place: &Path) -> Self {
        let temporary = tempfile::Builder::new().prefix("kdp-bench-").tempdir_in(place).expect("a directory");
        let directory = temporary.path().to_owned();
        Self { server: None, directory, _temporary: Some(temporary) }.begin(engine)
    }

    /// Sets one up in `directory`, which it makes, to stay.
    pub fn make(engine: Engine, directory: &Path) -> Self {
        fs::create_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
        let directory = directory.canonicalize().expect("the directory is there");
        Self { server: None, directory, _temporary: None }.begin(engine)
    }

    /// The one that was made in `directory`.
    pub fn at(directory: &Path) -> Self {
        let directory = directory.canonicalize().expect("the directory is there");
        let folder = directory.join(SERVER);
        let server = folder.exists().then(|| Server::start(&folder, Care::Durable));
        Self { server, directory, _temporary: None }
    }

    fn begin(mut self, engine: Engine) -> Self {
        if engine == Engine::Server {
            // The server, which is not root, passes through.
            fs::set_permissions(&self.directory, fs::Permissions::from_mode(0o711)).expect("our directory");
            let server = Server::start(&self.file(SERVER), Care::Bulk);
            server.create();
            self.server = Some(server);
        }
        self.set_up()
    }

    pub fn engine(&self) -> Engine {
        if self.server.is_some() { Engine::Server } else { Engine::File }
    }

    /// The server of its database, if it has one.
    pub fn server(&self) -> Option<&Server> {
        self.server.as_ref()
    }

    /// Has the server started anew, if there is one, to treat what is written with this care.
    pub fn restart(&mut self, care: Care) {
        if self.server.take().is_some() {
            self.server = Some(Server::start(&self.file(SERVER), care));
        }
    }

    /// CPU time of the server of the database, if there is one.
    pub fn server_time(&self) -> Duration {
        self.server.as_ref().map_or(Duration::ZERO, Server::cpu)
    }

    fn set_up(self) -> Self {
        let mut key = fs::OpenOptions::new();
        let key = key.write(true).create_new(true).mode(0o600).open(self.file("service.key.pem"));
        let service = fs::read(pki("service.key.pem")).expect("a fixture");
        std::io::Write::write_all(&mut key.expect("a key"), &service).expect("a key");
        let nowhere: SocketAddr = ([127, 0, 0, 1], 0).into();
        let config = self.configure(Disk::Full.into(), nowhere, nowhere);
        for command in [["keys", "init"].as_slice(), &["migrate"], &["keys", "generate"]] {
            kdp(command, &config);
        }
        let opened = self.open();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let at = opened.clock.now();
            let senders = [BANK, OWNER, EGOV, SMS].into_iter().chain(OTHERS);
            let senders = senders.map(|sender| Item::Sender(Box::new(sender.record(&*opened.seal))));
            for item in senders.chain([Item::Ground(ground()), Item::Proactive(proactive_service())]) {
                let outcome = "registered".to_owned();
                let record = Record { at, kind: "registration", outcome, ..Record::default() };
                opened.store.register(item, 0, record).await.expect("it is registered");
            }
        });
        self
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The file of the database, of an installation that has one.
    pub fn database(&self) -> PathBuf {
        self.file("kdp.db")
    }

    /// The files of the database.
    pub fn database_files(&self) -> Vec<PathBuf> {
        match self.engine() {
            Engine::File => ["kdp.db", "kdp.db-wal"].map(|name| self.file(name)).to_vec(),
            Engine::Server => Server::files(&self.file(SERVER)),
        }
    }

    /// Size of the database, bytes; of a file with its log.
    pub fn database_bytes(&self) -> u64 {
        let sizes = self.database_files().into_iter().filter_map(|file| fs::metadata(file).ok());
        sizes.map(|file| file.len()).sum()
    }

    /// Its database as the service opens it, to be used beside the service or without one.
    pub fn open(&self) -> Opened {
        let config = Config::read(&self.file("kdp.toml")).expect("a configuration");
        open_store(&config).expect("the database opens")
    }

    /// Writes the configuration, and answers with where.
    pub fn configure(&self, settings: Settings, public: SocketAddr, admin: SocketAddr) -> PathBuf {
        let file = |name: &str| self.file(name).display().to_string();
        let synchronous = match settings.disk {
            Disk::Full => "full",
            Disk::Off => "off",
        };
        let file_url = || format!("sqlite://{}", file("kdp.db"));
        let url = self.server.as_ref().map_or_else(file_url, Server::url);
        let mut text = format!(
            "environment = \"test\"\n\
             [listen]\npublic = \"{public}\"\nadmin = \"{admin}\"\n\
             [database]\nurl = \"{url}\"\nsynchronous = \"{synchronous}\"\nseal_keys = \"{}\"\nlookup_key = \"{}\"\n\
             node = \"bench\"\n\
             [token]\nstatus_ttl_seconds = {}\n\
             [trust]\ncertificate = \"{}\"\nkey = \"{}\"\n\
             [peers.shep]\nkind = \"gateway\"\ncertificates = [\"{}\"]\n",
            file("seal.keys"),
            file("lookup.key"),
            settings.status_ttl,
            pki("service.cert.pem").display(),
            file("service.key.pem"),
            pki("shep.cert.pem").display(),
        );
        if let Some(shep) = settings.shep {
            let sections = format!("[shep]\nurl = \"http://{shep}/\"\n[bmg]\ndriver = \"shep\"\n");
            text.push_str(&sections);
            text.push_str("[sms]\ndriver = \"shep\"\n");
        }
        let config = self.file("kdp.toml");
        fs::write(&config, text).expect("a configuration");
        config
    }
}

fn ground() -> Ground {
    Ground {
        id: GROUND.to_owned(),
        revision: 0,
        text: Name { kk: "Негіз".to_owned(), ru: "Основание".to_owned() },
        methods: vec![Method::Proactive, Method::Logging],
        source: "L-9 1)".to_owned(),
        exempt: false,
        confirmed: None,
        expires_at: None,
    }
}

fn proactive_service() -> ProactiveService {
    ProactiveService {
        code: CODE.to_owned(),
        revision: 0,
        bin: BANK.bin.to_owned(),
        name: Name { kk: "Қызмет".to_owned(), ru: "Услуга".to_owned() },
        services: SERVICES.split(';').map(str::to_owned).collect(),
        period_seconds: 366 * 86_400,
        expires_at: None,
    }
}

/// Runs a command of the program.
fn kdp(command: &[&str], config: &Path) {
    let mut kdp = Command::new(env!("CARGO_BIN_EXE_kdp"));
    let arguments = [command, &["--config", config.to_str().expect("a path in UTF-8")]].concat();
    let output = operator::act(kdp.args(&arguments), &arguments).output().expect("kdp runs");
    assert!(output.status.success(), "kdp {command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A file of the test PKI.
pub fn pki(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/pki").join(name)
}
