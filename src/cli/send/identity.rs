//! Who sends: from the flags, or from a sandbox on this machine.

use super::{Args, KeyKindWord, payload};
use crate::cli::{Failure, Result, argument};
use hyper::Uri;
use hyper::http::uri::PathAndQuery;
use kdp::clock::{self, MovableClock};
use kdp::gateway::http_client::HttpClient;
use kdp::http::is_loopback;
use kdp::trust::certificate::Certificate;
use kdp::trust::sign::Signer;
use secrecy::SecretString;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The sender of a request and what it knows.
pub struct Identity {
    /// What signs the envelope.
    pub signing: Option<(Box<dyn Signer>, Certificate)>,
    /// `sender/senderId`.
    pub sender_id: String,
    /// `sender/password`.
    pub password: Option<SecretString>,
    /// `auth_token`.
    pub auth_token: Option<String>,
    /// From the sandbox: BIN and key of the initiator, for its verification tokens.
    pub peer: Option<PeerFacts>,
    /// The clock of the sandbox, else the host's.
    pub clock: MovableClock,
    /// Certificates of the sandbox's authorities.
    pub authorities: Vec<PathBuf>,
}

/// What a sandbox tells of an initiator.
pub struct PeerFacts {
    /// Its BIN.
    pub bin: String,
    /// Its name as a company, if told.
    pub company: Option<String>,
    /// Its own key.
    pub key: Box<dyn Signer>,
}

/// The part of `GET /sandbox` that is read here.
#[derive(Deserialize)]
struct Sandbox {
    now: String,
    ca: Option<PathBuf>,
    gost_ca: Option<PathBuf>,
    peers: Vec<SandboxPeer>,
}

#[derive(Deserialize)]
struct SandboxPeer {
    name: String,
    bin: Option<String>,
    sender_id: Option<String>,
    password: Option<String>,
    auth_token: Option<String>,
    organisation: Option<String>,
    key: PathBuf,
    cert: PathBuf,
    gost_key: Option<PathBuf>,
    gost_cert: Option<PathBuf>,
    /// Which of the two pairs it signs with.
    crypto: Option<KeyKindWord>,
}

impl SandboxPeer {
    /// Key and certificate: of the kind that was asked for, else of the one that the sandbox chose for it.
    fn pair(&self, wanted: Option<KeyKindWord>) -> Result<(&Path, &Path)> {
        match wanted.or(self.crypto) {
            None | Some(KeyKindWord::Rsa) => Ok((&self.key, &self.cert)),
            Some(KeyKindWord::Gost) => {
                self.gost_key.as_deref().zip(self.gost_cert.as_deref()).ok_or_else(|| {
                    Failure::unusable(format!("the sandbox has no key of ГОСТ for {}", self.name))
                })
            }
        }
    }

    fn signing(&self, wanted: Option<KeyKindWord>) -> Result<(Box<dyn Signer>, Certificate)> {
        let (key, certificate) = self.pair(wanted)?;
        Ok((argument::private_key(key)?, argument::certificate(certificate)?))
    }
}

impl Sandbox {
    fn peer(&mut self, name: &str) -> Result<SandboxPeer> {
        let at = self.peers.iter().position(|peer| peer.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.peers.iter().map(|peer| peer.name.as_str()).collect();
            Failure::unusable(format!("the sandbox has no peer {name}; it has {}", names.join(", ")))
        })?;
        Ok(self.peers.swap_remove(at))
    }
}

impl Identity {
    /// Flags win over the file, the file over the sandbox.
    pub async fn learn(args: &Args, client: &HttpClient, file: &payload::File) -> Result<Self> {
        let mut signing = match (&args.key, &args.cert) {
            (Some(key), Some(cert)) => Some((argument::private_key(key)?, argument::certificate(cert)?)),
            _ => None,
        };
        let secret = |path: &Option<PathBuf>| path.as_deref().map(argument::text_file).transpose();
        let mut password = secret(&args.password_file)?.map(|text| text.to_string());
        let mut auth_token = secret(&args.auth_token_file)?.map(|text| text.to_string());
        let mut sender_id = args.sender_id.clone();
        if sender_id.is_none() {
            sender_id.clone_from(&file.sender_id);
            password = password.or_else(|| file.password.clone());
        }
        let (mut peer, mut authorities) = (None, Vec::new());
        let clock = MovableClock::running(0);
        if let Some(name) = &args.peer {
            let mut sandbox = ask(client, &super::sender::url(args)).await?;
            let now = clock::parse(&sandbox.now);
            clock.set(now.ok_or_else(|| Failure::unusable("the sandbox tells no time that can be read"))?);
            if let (Some(gateway), None) = (&args.via, &signing) {
                signing = Some(sandbox.peer(gateway)?.signing(args.crypto)?);
            }
            let own = sandbox.peer(name)?;
            let beside = || own.key.parent().map(|directory| directory.join("ca.pem"));
            authorities.extend(sandbox.ca.take().or_else(beside).into_iter().chain(sandbox.gost_ca.take()));
            if signing.is_none() {
                signing = Some(own.signing(args.crypto)?);
            }
            let (key, _) = own.pair(args.crypto)?;
            let key = argument::private_key(key)?;
            if sender_id.is_none() || sender_id == own.sender_id {
                sender_id = own.sender_id;
                password = password.or(own.password);
                auth_token = auth_token.or(own.auth_token);
            }
            peer = own.bin.map(|bin| PeerFacts { bin, company: own.organisation, key });
        }
        let sender_id = sender_id.ok_or_else(|| Failure::unusable("--sender-id is needed, or --as NAME"))?;
        let password = password.map(SecretString::from);
        Ok(Self { signing, sender_id, password, auth_token, peer, clock, authorities })
    }
}

/// A route of the sandbox that listens where `url` leads; on this machine only.
pub fn route(url: &Uri, path: &str) -> Result<Uri> {
    // What answers names files of this machine whose keys then sign: a stranger must not.
    if !is_loopback(url.host().unwrap_or_default()) {
        return Err(Failure::unusable(
            "this works with a sandbox on this machine only: --url must be on loopback",
        ));
    }
    let no_address = |_| Failure::unusable("--url is not an address");
    let mut parts = url.clone().into_parts();
    parts.path_and_query = Some(
        PathAndQuery::try_from(path)
            .map_err(|_| Failure::unusable("the sandbox has no such route: a number is digits"))?,
    );
    Uri::from_parts(parts).map_err(no_address)
}

async fn ask(client: &HttpClient, url: &Uri) -> Result<Sandbox> {
    let address = route(url, "/sandbox")?;
    let place = argument::place(url);
    let answer = client
        .get(&address)
        .await
        .map_err(|e| Failure::unusable(format!("{address}: {e} (is `kdp sandbox` running?)")))?;
    if answer.status != 200 {
        return Err(Failure::unusable(format!(
            "{address}: HTTP {}; --as needs a sandbox there",
            answer.status
        )));
    }
    serde_json::from_slice(&answer.body)
        .map_err(|_| Failure::unusable(format!("{place}: what is there is no sandbox")))
}
