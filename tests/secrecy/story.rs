//! The citizen's story against a running sandbox, and what it left behind.

use super::connection::Connection;
use super::named::{Words, message};
use super::search::Search;
use super::spelling::spellings;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// People who are in no register: an operator, the contacts of an application and of an incident.
const OPERATOR: &str = "Сейітқазы Құрманбек Әлиұлы";
const RESPONSIBLE: &str = "Жақсылықова Гүлнұр";
const RESPONSIBLE_PHONE: &str = "77770123456";
const NEW_PASSWORD: &str = "жасырын-сөз-47-Rakhat";
/// An employee of an initiator, in one of the fixtures.
const EMPLOYEE: &str = "Әлімжан-ұлы";
/// Who is blocked.
const BLOCKED: &str = "800101399015";

pub struct Story {
    directory: tempfile::TempDir,
    world: Value,
    /// Bodies of the requests and of the answers.
    sent: Vec<String>,
    answered: Vec<String>,
    faults: Vec<u8>,
    metrics: Vec<u8>,
    codes: BTreeSet<String>,
    files: Vec<(String, Vec<u8>)>,
}

pub struct Sandbox {
    pub child: Child,
    pub address: SocketAddr,
}

impl Sandbox {
    pub fn start(data: &Path, log: &Path) -> Self {
        Self::start_by(Command::new(env!("CARGO_BIN_EXE_kdp")), data, log)
    }

    /// The same by a command that ends in the program's path.
    pub fn start_by(mut command: Command, data: &Path, log: &Path) -> Self {
        let mut child = command
            .args(["sandbox", "--listen", "127.0.0.1:0", "--seed", "1", "--log-level", "trace", "--data"])
            .arg(data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(log).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("ready http://").and_then(|url| url.split('/').next());
        Self { address: address.unwrap_or_else(|| panic!("not ready: {line}")).parse().unwrap(), child }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Story {
    pub fn play() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (data, log) = (directory.path().join("data"), directory.path().join("log"));
        let sandbox = Sandbox::start(&data, &log);
        let world = fs::read_to_string(fixture("world.json")).unwrap();
        let world = serde_json::from_str(&world).unwrap();
        let mut story = Self {
            directory,
            world,
            sent: Vec::new(),
            answered: Vec::new(),
            faults: Vec::new(),
            metrics: Vec::new(),
            codes: BTreeSet::new(),
            files: Vec::new(),
        };
        let mut connection = Connection::open(sandbox.address);
        let clock = story.world["now"].as_str().unwrap();
        let set = serde_json::json!({ "set": clock }).to_string();
        assert_eq!(connection.send("POST", "/sandbox/clock", "", set.as_bytes()).status, 200);
        story.registrar(&data);
        for folder in ["requests", "attacks"] {
            for file in fixtures(folder) {
                let body = fs::read(&file).unwrap();
                let reply = Connection::open(sandbox.address).post(&body);
                if reply.body.contains("Fault>") || folder == "attacks" {
                    story.faults.extend_from_slice(reply.head.as_bytes());
                    story.faults.extend_from_slice(reply.body.as_bytes());
                }
                story.sent.push(String::from_utf8_lossy(&body).into_owned());
                story.answered.push(reply.body);
            }
        }
        story.named(&data, sandbox.address);
        story.read_codes(&mut connection);
        // Time goes on: jobs, timeouts, the sweep of the night.
        let mut later = |by: &str| {
            let advance = serde_json::json!({ "advance": by }).to_string();
            assert_eq!(connection.send("POST", "/sandbox/clock", "", advance.as_bytes()).status, 200);
        };
        later("PT20M");
        later("P2D");
        Self::run(&data, &["subject", "block", BLOCKED]);
        Self::run(&data, &["subject", "erase", "810102499019", "--order", "№ 7"]);
        let backup = story.directory.path().join("backup").display().to_string();
        Self::run(&data, &["backup", &backup]);
        let export = ["journal", "export", "--from", "2026-01-01", "--to", "2027-01-01"];
        let exported = Self::run(&data, &export);
        story.metrics = connection.get("/metrics").body.into_bytes();
        story.files = files(&data, &story.directory.path().join("backup"));
        drop(sandbox);
        let log = fs::read(log).unwrap();
        assert!(log.len() > 100_000, "{} bytes of log: is everything logged?", log.len());
        story.files.push(("log".to_owned(), log));
        story.files.push(("journal".to_owned(), exported));
        story
    }

    /// Messages whose ids, or whose sender, are made of a person: journal and log get them, and so do the faults.
    fn named(&mut self, data: &Path, address: SocketAddr) {
        let peers = self.world["peers"].as_array().unwrap();
        let bank = peers.iter().find(|peer| peer["name"] == "bank").unwrap();
        let (sender, password) = (bank["sender_id"].as_str().unwrap(), bank["password"].as_str().unwrap());
        let subject = &self.world["subjects"][0];
        let (iin, phone) = (subject["iin"].as_str().unwrap(), subject["msisdn"].as_str().unwrap());
        let own = Words {
            message_id: iin,
            correlation_id: phone,
            session_id: iin,
            service_id: "KDP_SERVICE",
            sender_id: sender,
            password,
        };
        let mixed = format!("req/{iin}-{phone}");
        for words in [
            Words { ..own },
            Words { message_id: phone, correlation_id: &mixed, ..own },
            Words { message_id: &mixed, service_id: iin, ..own },
            Words { message_id: "1", sender_id: iin, ..own },
            Words { message_id: "2", sender_id: phone, password: iin, ..own },
            Words { message_id: "3", password: NEW_PASSWORD, ..own },
        ] {
            for uin in [iin, "80010139901", &mixed] {
                let reply = Connection::open(address).post(&message(data, &words, uin));
                // Who is answered is told its own ids, in their place.
                let told = reply.body.replace(words.message_id, "").replace(words.correlation_id, "");
                self.faults.extend_from_slice(told.as_bytes());
            }
        }
        let broken = format!("<uin>{iin}</uin><phone>{phone}</phone> &nobody; {phone}");
        for path in ["/shep/sync", "/shep/sync?wsdl", &format!("/{iin}"), &format!("/token-status?{phone}")] {
            let reply =
                Connection::open(address).send("POST", path, &format!("x-uin: {iin}\r\n"), broken.as_bytes());
            self.faults.extend_from_slice(reply.head.as_bytes());
            self.faults.extend_from_slice(reply.body.as_bytes());
        }
    }

    /// What is registered of people.
    fn registrar(&self, data: &Path) {
        let password = self.directory.path().join("password");
        fs::write(&password, NEW_PASSWORD).unwrap();
        own(&password);
        let password = password.display().to_string();
        let flags = ["--full-name", OPERATOR, "--roles", "registrar", "--new-password-file", &password];
        Self::run(data, &[&["operator", "add", "kurmanbek"], &flags[..]].concat());
        let responsible = format!("{RESPONSIBLE}, +7 777 012 34 56");
        Self::run(data, &["incident", "open", "--what", "a lost disk", "--responsible", &responsible]);
    }

    fn run(data: &Path, arguments: &[&str]) -> Vec<u8> {
        let output = Command::new(env!("CARGO_BIN_EXE_kdp"))
            .args(arguments)
            .arg("--data")
            .arg(data)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        // A subject whose requests are not over is not erased: that is an answer too.
        assert!(output.status.code() < Some(2), "kdp {arguments:?}\n{out}\n{err}");
        output.stdout
    }

    /// The one-time codes that the subjects were sent.
    fn read_codes(&mut self, connection: &mut Connection) {
        for phone in self.all("subjects", "msisdn") {
            let inbox = connection.get(&format!("/sandbox/phone/{phone}")).body;
            for sms in serde_json::from_str::<Value>(&inbox).unwrap().as_array().into_iter().flatten() {
                let text = sms["text"].as_str().unwrap();
                let words = text.split(|c: char| !c.is_ascii_alphanumeric());
                self.codes.extend(words.filter(|word| is_code(word)).map(str::to_owned));
            }
        }
        assert!(!self.codes.is_empty(), "no subject was sent a code");
    }

    fn all(&self, list: &str, key: &str) -> BTreeSet<String> {
        let list = self.world[list].as_array().unwrap().iter();
        list.filter_map(|one| one[key].as_str().map(str::to_owned)).collect()
    }

    /// Everything that must not be found.
    pub fn secrets(&self) -> Search {
        let mut search = Search::new();
        let lists = [
            ("IIN", "subjects", "iin"),
            ("phone", "subjects", "msisdn"),
            ("name", "subjects", "name"),
            ("password", "peers", "password"),
        ];
        for (what, list, key) in lists {
            for value in self.all(list, key) {
                search.add(what, &value);
            }
        }
        for (what, value) in [
            ("operator's name", OPERATOR),
            ("operator's password", NEW_PASSWORD),
            ("responsible person", RESPONSIBLE),
            ("responsible person's phone", RESPONSIBLE_PHONE),
        ] {
            search.add(what, value);
        }
        // Which data are asked for is agreed and no secret; the employee of most fixtures is a word that stands elsewhere.
        for value in self.elements("company_responsible").iter().filter(|value| value.chars().count() > 5) {
            search.add("responsible body", value);
        }
        assert!(self.sent.iter().any(|text| text.contains(EMPLOYEE)));
        search.add("employee", EMPLOYEE);
        for code in &self.codes {
            search.add_plain("one-time code", code.as_bytes());
        }
        let (mut tokens, mut given) = (BTreeSet::new(), 0);
        for (text, is_answer) in
            self.sent.iter().map(|text| (text, false)).chain(self.answered.iter().map(|text| (text, true)))
        {
            for token in compact(text) {
                given += usize::from(is_answer && tokens.insert(token.clone()));
                tokens.insert(token);
            }
        }
        assert!(tokens.len() > 100 && given > 50, "{} tokens, {given} of them given", tokens.len());
        for token in tokens {
            let (rest, signature) = token.rsplit_once('.').unwrap();
            let (_, payload) = rest.split_once('.').unwrap();
            // Parts that no two tokens share.
            for (what, part) in [("token's signature", signature), ("token's payload", payload)] {
                let middle = part.len() / 2;
                let part = &part[middle..(middle + 40).min(part.len())];
                search.add_plain(what, part.as_bytes());
                for (_, spelling) in
                    spellings(part).into_iter().filter(|(how, _)| how.eq_ignore_ascii_case("hex"))
                {
                    search.add_plain(what, &spelling);
                }
            }
            if let Ok(bytes) = URL_SAFE_NO_PAD.decode(signature) {
                search.add_plain("token's signature, decoded", &bytes[8..28]);
            }
        }
        search
    }

    /// Texts of an element in what was sent.
    fn elements(&self, name: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for text in &self.sent {
            for part in text.split(&format!("{name}>")).skip(1).step_by(2) {
                found.extend(part.split('<').next().filter(|value| !value.contains('&')).map(str::to_owned));
            }
        }
        found
    }

    /// What is searched, by name.
    pub fn left_behind(&self) -> Vec<(String, Vec<u8>)> {
        let mut left = self.files.clone();
        left.push(("metrics".to_owned(), self.metrics.clone()));
        left.push(("faults".to_owned(), self.faults.clone()));
        left
    }
}

/// Six symbols of the code's alphabet, a digit among them.
fn is_code(word: &str) -> bool {
    word.len() == 6
        && word.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        && word.bytes().any(|b| b.is_ascii_digit())
}

/// Compact JWS in a text.
fn compact(text: &str) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let words = text.split(|c| !is_part(c)).filter(|word| word.starts_with("eyJ"));
    let whole = |word: &&str| {
        let parts: Vec<&str> = word.split('.').collect();
        parts.len() == 3 && parts[1].len() > 80 && parts[2].len() > 80
    };
    words.filter(whole).map(str::to_owned).collect()
}

/// The files of the database and the backup. The rest of the directory belongs to the simulators.
fn files(data: &Path, backup: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for folder in [data, backup.parent().unwrap()] {
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_file() && (name.starts_with("kdp.db") || name.starts_with("backup")) {
                let mut bytes = Vec::new();
                fs::File::open(&path).unwrap().read_to_end(&mut bytes).unwrap();
                files.push((name, bytes));
            }
        }
    }
    files
}

fn own(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

fn fixtures(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fixture(folder).read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "xml" || end == "bin"));
    files.sort();
    files
}
