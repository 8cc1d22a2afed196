//! What is asked: the children of `data` of `KDP_SERVICE`, from a file and from flags.

use super::identity::Identity;
use crate::cli::{Failure, Result, argument};
use clap::ArgAction;
use kdp::clock::{Clock as _, SystemClock};
use kdp::consent::method::Method;
use kdp::random::{Id, SystemRandom};
use kdp::service::access_request::NAMES;
use kdp::token::ovt::{self, Mcheck, NewOvt};
use kdp::trust::sign::Signer;
use kdp::xml::{Document, Element, Limits};
use std::path::{Path, PathBuf};

/// Life of a verification token that is made here, seconds.
const OVT_LIFE: i64 = 3600;

/// What an initiator of a sandbox asks for when nothing is said.
const SANDBOX_DATA: &str = "ФИО";

/// The flags that become children of `data`.
#[derive(clap::Args)]
#[command(next_help_heading = "Request")]
pub struct Flags {
    /// uin: IIN of the subject
    #[arg(long)]
    uin: Option<String>,
    #[arg(help = "company_bin: BIN of the initiator", long)]
    bin: Option<String>,
    /// company: name of the initiator
    #[arg(long)]
    company: Option<String>,
    #[arg(help = "access_name: ServiceIDs, separated by commas", long, value_delimiter = ',')]
    service: Vec<String>,
    /// Way of asking, 1 to 5: becomes omit-sms and, unless 1 or 2, method
    #[arg(long, value_parser = argument::method)]
    method: Option<Method>,
    #[arg(
        help = "personal_data_name: which data; with --as \"ФИО\" when not given",
        long,
        value_name = "TEXT"
    )]
    data: Option<String>,
    /// expiresIn: wanted life of the token, as 10m, 24h, 90d or milliseconds
    #[arg(long, value_parser = argument::milliseconds)]
    term: Option<u64>,
    /// ovt: the verification token, a file that holds it, or - for stdin
    #[arg(long, value_name = "TOKEN")]
    ovt: Option<String>,
    #[arg(help = "directory_id: entry of the directory", long)]
    directory_id: Option<String>,
    #[arg(help = "ground_id: ground of methods 3 and 4", long, value_name = "ID")]
    ground: Option<String>,
    #[arg(help = "proactive_code: code of the proactive service (method 3)", long, value_name = "CODE")]
    proactive: Option<String>,
    #[arg(help = "request_id: repeat this request", long)]
    request_id: Option<String>,
    /// code: the one-time code that the subject told (method 5)
    #[arg(long, requires = "request_id")]
    code: Option<String>,
    /// cancel: end this request or its token
    #[arg(long, requires = "request_id")]
    cancel: bool,
    /// `dry_run`: only tell which checks would pass; nobody is asked, nothing is issued
    #[arg(long, conflicts_with_all = ["request_id", "wait"])]
    dry_run: bool,
    /// The initiator's private key, PEM, to make the verification token of methods 2 to 4 with; with --as its own
    #[arg(long, value_name = "FILE", conflicts_with = "ovt")]
    pub ovt_key: Option<PathBuf>,
    /// mcheck of a token that is made: BIO, DS, DID, OTP, PC or NONE; NONE in method 4, else BIO, unless given
    #[arg(long, value_name = "WORD", value_parser = mcheck, conflicts_with = "ovt")]
    mcheck: Option<Mcheck>,
    /// lang: language of the answer's texts, kk, ru or en
    #[arg(long)]
    lang: Option<String>,
    #[arg(
        help = "Any element by its name; act/name is inside act. For the services beside KDP_SERVICE; repeatable",
        long,
        value_name = "NAME=VALUE",
        action = ArgAction::Append
    )]
    set: Vec<String>,
}

fn mcheck(text: &str) -> std::result::Result<Mcheck, &'static str> {
    Mcheck::parse(text).ok_or("must be BIO, DS, DID, OTP, PC or NONE")
}

/// What a payload file holds.
#[derive(Default)]
pub struct File {
    fields: Vec<(String, String)>,
    /// senderId of an envelope.
    pub sender_id: Option<String>,
    /// password of an envelope.
    pub password: Option<String>,
    /// serviceId of an envelope.
    pub service_id: Option<String>,
}

impl File {
    /// Reads the children of `data`, bare, inside one root element, or in an envelope.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = argument::file(path)?;
        Self::parse(&bytes)
            .and_then(Self::not_empty)
            .map_err(|why| Failure::unusable(format!("{}: {why}", path.display())))
    }

    fn not_empty(self) -> std::result::Result<Self, String> {
        if self.fields.is_empty() { Err("there is no field in it".to_owned()) } else { Ok(self) }
    }

    fn parse(bytes: &[u8]) -> std::result::Result<Self, String> {
        match Document::parse(bytes, &Limits::default()) {
            Ok(document) => Self::from_root(document.root()),
            Err(error) => {
                // Several roots: the children of data as they stand there.
                let text =
                    std::str::from_utf8(bytes).map_err(|_| "not UTF-8")?.trim_start_matches('\u{feff}');
                let rest = text.trim_start();
                let rest =
                    rest.strip_prefix("<?xml").and_then(|r| r.split_once("?>")).map_or(rest, |(_, r)| r);
                let wrapped = format!("<data>{rest}</data>");
                let document = Document::parse(wrapped.as_bytes(), &Limits::default());
                Self::from_root(document.map_err(|_| error.to_string())?.root())
            }
        }
    }

    fn from_root(root: Element<'_, '_>) -> std::result::Result<Self, String> {
        if root.name() != "Envelope" {
            let single = NAMES.contains(&root.name()) && root.children().next().is_none();
            let fields = if single { field(root, "")? } else { fields(root)? };
            return Ok(Self { fields, ..Self::default() });
        }
        let find = |name: &str| root.descendants().find(|element| element.name() == name);
        let text = |name| find(name).and_then(Element::text).map(|text| text.trim().to_owned());
        let data = find("data").ok_or("the envelope holds no data")?;
        let service_id = text("serviceId").filter(|id| !id.is_empty());
        Ok(Self {
            fields: fields(data)?,
            sender_id: text("senderId"),
            password: text("password"),
            service_id,
        })
    }
}

/// The fields in `data`: its children, those of its one root element, or those in its text.
fn fields(data: Element<'_, '_>) -> std::result::Result<Vec<(String, String)>, String> {
    let mut children = data.children();
    match (children.next(), children.next()) {
        (None, _) => {
            let text = data.text().unwrap_or_default();
            if text.trim().is_empty() {
                return Ok(Vec::new());
            }
            let inner = Document::parse(text.trim().as_bytes(), &Limits::default());
            let inner = inner.map_err(|error| format!("the text in {}: {error}", data.name()))?;
            inside(inner.root(), "")
        }
        (Some(root), None) if !NAMES.contains(&root.name()) && root.children().next().is_some() => {
            inside(root, "")
        }
        _ => inside(data, ""),
    }
}

type Fields = Vec<(String, String)>;

/// The leaves in an element, by their paths.
fn inside(element: Element<'_, '_>, path: &str) -> std::result::Result<Fields, String> {
    if element.has_text() {
        return Err(format!("text beside the elements of {}", element.name()));
    }
    let mut parents: Vec<&str> =
        element.children().filter(|child| child.children().next().is_some()).map(Element::name).collect();
    parents.sort_unstable();
    if let Some(twice) =
        parents.windows(2).find_map(|two| two.first().filter(|name| two.last() == Some(name)))
    {
        return Err(format!("{twice} stands there twice: one of them would be lost"));
    }
    let fields: Vec<Fields> =
        element.children().map(|child| field(child, path)).collect::<std::result::Result<_, _>>()?;
    Ok(fields.into_iter().flatten().collect())
}

fn field(element: Element<'_, '_>, path: &str) -> std::result::Result<Fields, String> {
    let name = format!("{path}{}", element.name());
    if element.children().next().is_some() {
        return inside(element, &format!("{name}/"));
    }
    let text = element.text().ok_or_else(|| format!("{name} must hold text"))?;
    Ok(vec![(name, text.into_owned())])
}

/// Whether it is an element's name, or one inside another's.
fn is_path(name: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    };
    name.split('/').count() <= 2 && name.split('/').all(plain)
}

/// The children of `data`, each once, in the order of the contract.
pub struct Payload {
    fields: Vec<(String, String)>,
}

impl Payload {
    /// Puts the flags over the file, and what the sandbox tells under it; that only for `KDP_SERVICE` (`asks`).
    pub fn build(flags: &Flags, file: File, identity: &Identity, asks: bool) -> Result<Self> {
        let mut payload = Self { fields: file.fields };
        payload.flags(flags)?;
        if let Some(token) = &identity.auth_token {
            payload.set("auth_token", token);
        }
        if !asks {
            return Ok(payload);
        }
        if let Some((parent, _)) = payload.fields().find_map(|(path, _)| path.split_once('/')) {
            return Err(Failure::unusable(format!("{parent} must hold text")));
        }
        let is_repeat = payload.get("request_id").is_some();
        if let Some(peer) = &identity.peer {
            payload.set_if_absent("company_bin", &peer.bin);
            if let Some(company) = peer.company.as_ref().filter(|_| !is_repeat) {
                payload.set_if_absent("company", company);
            }
            if !is_repeat && payload.get("directory_id").is_none() {
                payload.set_if_absent("personal_data_name", SANDBOX_DATA);
            }
        }
        let own = flags.ovt_key.as_deref().map(argument::private_key).transpose()?;
        let peers = identity.peer.as_ref().map(|peer| &*peer.key);
        if let Some(key) = own.as_deref().or(peers) {
            payload.own_ovt(key, flags.mcheck, identity.clock.now() / 1000)?;
        }
        let says_method = ["method", "omit-sms", "request_id"].iter().any(|name| payload.get(name).is_some());
        if !says_method {
            return Err(Failure::unusable("--method is needed: 1 to 5"));
        }
        payload
            .fields
            .sort_by_key(|(name, _)| NAMES.iter().position(|known| known == name).unwrap_or(NAMES.len()));
        Ok(payload)
    }

    /// What the flags alone say.
    #[cfg(test)]
    pub fn of_flags(flags: &Flags) -> Result<Self> {
        let mut payload = Self { fields: Vec::new() };
        payload.flags(flags)?;
        Ok(payload)
    }

    /// A repeat of the request `id` by the same initiator for the same subject.
    pub fn repeat(&self, id: &str) -> Self {
        let kept = ["uin", "company_bin", "auth_token", "lang"];
        let kept = self.fields.iter().filter(|(name, _)| kept.contains(&name.as_str())).cloned();
        let mut repeat = Self { fields: kept.collect() };
        repeat.set("request_id", id);
        repeat
    }

    /// Names and values.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value of a field; `None` also when it is empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.trim())
            .filter(|v| !v.is_empty())
    }

    /// Whether a field says yes.
    pub fn is_set(&self, name: &str) -> bool {
        matches!(self.get(name), Some("true" | "1"))
    }

    fn set(&mut self, name: &str, value: &str) {
        self.fields.retain(|(known, _)| known != name);
        self.fields.push((name.to_owned(), value.to_owned()));
    }

    fn set_if_absent(&mut self, name: &str, value: &str) {
        if !self.fields.iter().any(|(known, _)| known == name) {
            self.set(name, value);
        }
    }

    fn flags(&mut self, flags: &Flags) -> Result<()> {
        let term = flags.term.map(|millis| millis.to_string());
        let services = (!flags.service.is_empty()).then(|| flags.service.join(";"));
        let token = flags.ovt.as_deref().map(argument::token).transpose()?;
        let word = |given: bool| given.then_some("true");
        for (name, value) in [
            ("uin", flags.uin.as_deref()),
            ("company", flags.company.as_deref()),
            ("company_bin", flags.bin.as_deref()),
            ("access_name", services.as_deref()),
            ("personal_data_name", flags.data.as_deref()),
            ("expiresIn", term.as_deref()),
            ("ovt", token.as_ref().map(|token| token.as_str())),
            ("directory_id", flags.directory_id.as_deref()),
            ("ground_id", flags.ground.as_deref()),
            ("proactive_code", flags.proactive.as_deref()),
            ("request_id", flags.request_id.as_deref()),
            ("code", flags.code.as_deref()),
            ("lang", flags.lang.as_deref()),
            ("cancel", word(flags.cancel)),
            ("dry_run", word(flags.dry_run)),
        ] {
            if let Some(value) = value {
                self.set(name, value);
            }
        }
        for pair in &flags.set {
            let (name, value) = pair
                .split_once('=')
                .filter(|(name, _)| is_path(name))
                .ok_or_else(|| Failure::unusable("--set: write NAME=VALUE, as uin=800101399015"))?;
            self.set(name, value);
        }
        if let Some(method) = flags.method {
            self.set("omit-sms", if method.needs_ovt() { "true" } else { "false" });
            self.fields.retain(|(name, _)| name != "method");
            if !matches!(method, Method::Sms | Method::OwnMeans) {
                self.set("method", &method.number().to_string());
            }
        }
        Ok(())
    }

    /// Makes a verification token, bound to the subject, when one is needed and none is there.
    fn own_ovt(&mut self, key: &dyn Signer, mcheck: Option<Mcheck>, iat: i64) -> Result<()> {
        let needs = self.is_set("omit-sms") || matches!(self.get("method"), Some("2" | "3" | "4"));
        let absent = !self.fields.iter().any(|(name, _)| name == "ovt");
        let Some(bin) =
            self.get("company_bin").filter(|_| needs && absent && self.get("request_id").is_none())
        else {
            return Ok(());
        };
        let usual = if self.get("method") == Some("4") { Mcheck::NoConsent } else { Mcheck::Biometrics };
        let mcheck = mcheck.unwrap_or(usual);
        let jti = Id::new(SystemClock.now(), &SystemRandom::default())?.to_string();
        let claims =
            NewOvt { cbin: bin, mcheck, iat, exp: iat + OVT_LIFE, uin: self.get("uin"), jti: Some(&jti) };
        let token = ovt::make(&claims, key, None)?;
        self.set("ovt", &token);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        File::parse(text.as_bytes()).unwrap().fields
    }

    #[test]
    fn a_payload_is_found_wherever_it_stands() {
        let expected = vec![("uin".to_owned(), "1".to_owned()), ("company".to_owned(), "a & b".to_owned())];
        let bare = "<uin>1</uin><company>a &amp; b</company>";
        for text in [
            bare.to_owned(),
            format!("\u{feff}<?xml version='1.0'?>\n{bare}\n"),
            format!("<data>{bare}</data>"),
            format!("<data><getUserDataRequest>{bare}</getUserDataRequest></data>"),
            format!("<data><![CDATA[<r>{bare}</r>]]></data>"),
            "<k:data xmlns:k='urn:k'><k:uin>1</k:uin><k:company>a &amp; b</k:company></k:data>".to_owned(),
        ] {
            assert_eq!(read(&text), expected, "{text}");
        }
        assert_eq!(read("<uin>1</uin>"), expected[..1]);
    }

    #[test]
    fn an_envelope_gives_its_sender_too() {
        let text = "<s:Envelope xmlns:s='urn:s'><s:Body><m><sender><senderId>x</senderId><password>p</password></sender>\
                    <data><uin>1</uin></data></m></s:Body></s:Envelope>";
        let file = File::parse(text.as_bytes()).unwrap();
        assert_eq!((file.sender_id.as_deref(), file.password.as_deref()), (Some("x"), Some("p")));
        assert_eq!(file.fields.len(), 1);
    }

    #[test]
    fn what_is_no_payload_is_refused() {
        for text in
            ["", "no xml", "<uin>1", "<data>t<act>t<b/></act></data>", "<Envelope/>", "<!DOCTYPE a><a/>"]
        {
            assert!(File::parse(text.as_bytes()).and_then(File::not_empty).is_err(), "{text}");
        }
    }

    #[test]
    fn of_two_elements_with_elements_in_them_none_is_lost_in_silence() {
        let act = |text: &str| format!("<act><name>{text}</name></act>");
        let read = |text: String| File::parse(format!("<data><uin>1</uin>{text}</data>").as_bytes());
        assert_eq!(read(act("a")).unwrap().fields.len(), 2);
        let error = read(act("a") + &act("b")).err().unwrap();
        assert!(error.contains("act stands there twice"), "{error}");
    }

    #[test]
    fn a_repeat_carries_no_more_than_it_must() {
        let fields = [("uin", "1"), ("ovt", "t"), ("company_bin", "2"), ("code", "3")];
        let payload = Payload { fields: fields.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec() };
        let repeat = payload.repeat("r");
        let names: Vec<&str> = repeat.fields().map(|(name, _)| name).collect();
        assert_eq!(names, ["uin", "company_bin", "request_id"]);
    }
}
