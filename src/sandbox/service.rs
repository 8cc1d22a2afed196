//! What a `kdp serve` elsewhere needs to have the sandbox for its outside: a configuration, and its database with the
//! sandbox's parties in it.

use super::crypto::KeyKind;
use super::kept::Kept;
use super::world::World;
use super::{installation, limits, pki, register as registration};
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, Environment};
use crate::random::SystemRandom;
use crate::serve::{self, StartError};
use crate::store::location::Location;
use crate::store::seal::KeyFileSeal;
use hyper::Uri;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// The configuration in a data directory.
#[must_use]
pub fn file(data: &Path) -> PathBuf {
    data.join("serve.toml")
}

/// Writes the configuration of a service at `url` whose outside is the sandbox at `base`.
///
/// # Errors
/// [`StartError`].
pub fn write(data: &Path, world: &World, kept: &Kept, (base, url): (&str, &Uri)) -> Result<(), StartError> {
    let own = data.join("serve");
    std::fs::create_dir_all(&own).map_err(|e| StartError::File(own.clone(), e.kind()))?;
    pki::write(&file(data), &text(data, world, kept, (base, url)))
}

fn text(data: &Path, world: &World, kept: &Kept, (base, url): (&str, &Uri)) -> String {
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    let ip = host.parse::<IpAddr>().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let port = url.port_u16().unwrap_or_default();
    let admin_port = port.checked_add(1).unwrap_or(port - 1);
    let public = SocketAddr::new(ip, port);
    let admin = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), admin_port);
    let own = data.join("serve");
    let config = installation::config(data, world, kept);
    let limits = limits();
    let mut text = String::from(
        "# Written at each start of `kdp sandbox --service`: a service whose outside is the sandbox. Copy it to change it.\n",
    );
    let mut line = |name: &str, value: toml::Value| {
        if value.as_str() == Some("") {
            let _ = writeln!(text, "\n[{name}]");
        } else {
            let _ = writeln!(text, "{name} = {value}");
        }
    };
    let section = || toml::Value::from("");
    let path = |path: &Path| toml::Value::from(path.display().to_string());
    let paths = |paths: &[PathBuf]| toml::Value::Array(paths.iter().map(|p| path(p)).collect());
    line("environment", "test".into());
    line("listen", section());
    line("public", public.to_string().into());
    line("admin", admin.to_string().into());
    if !ip.is_loopback() {
        line("plain", true.into());
    }
    line("database", section());
    line("url", Location::url_of(&own.join("kdp.db")).into());
    line("seal_keys", path(&own.join("seal.keys")));
    line("lookup_key", path(&own.join("lookup.key")));
    line("token", section());
    line("issuer", config.token.issuer.clone().into());
    line("status_ttl_seconds", 1.into());
    line("trust", section());
    line("authorities", paths(&config.trust.authorities));
    line("certificate", path(&config.trust.certificate));
    line("key", path(&config.trust.key));
    line("trust.revocation", section());
    line("mode", "none".into());
    line("shep", section());
    line("url", format!("{base}/sandbox/shep/sync").into());
    line("async_url", format!("{base}/sandbox/shep/async").into());
    line("bmg", section());
    line("driver", "shep".into());
    line("sms", section());
    line("driver", "shep".into());
    line("limits", section());
    line("sms_per_subject", i64::from(limits.sms_per_subject).into());
    line("sms_per_initiator", i64::from(limits.sms_per_initiator).into());
    line("poll_after_seconds", i64::from(limits.poll_after_seconds).into());
    line("refusals_per_minute", i64::try_from(limits.refusals_per_minute).unwrap_or(i64::MAX).into());
    for peer in &world.peers {
        let gateway = peer.kind == "gateway";
        let kinds = [KeyKind::Rsa, KeyKind::Gost];
        let mut certificates = kinds.map(|kind| pki::path(data, &kind.file(&peer.name, "cert"))).to_vec();
        if gateway {
            certificates.push(pki::path(data, &pki::next(&peer.name, "cert")));
        }
        line(&format!("peers.{}", peer.name), section());
        line("kind", if gateway { "gateway" } else { "direct" }.into());
        line("certificates", paths(&certificates));
        if !gateway {
            line("sender_id", peer.sender_id.clone().into());
        }
    }
    text
}

/// Registers the sandbox's parties with the service of this configuration: makes its sealing keys and its database unless they
/// are there, keys that sign tokens, senders, directories. Answers with how many senders there are.
///
/// # Errors
/// [`StartError`]; nothing is registered when the configuration is not of a test, or somebody is registered already.
pub async fn register(data: &Path, config: &Path) -> Result<usize, StartError> {
    let refused = |text: &str| Err(StartError::Other(format!("{}: {text}", config.display())));
    let world = installation::world()?;
    let data = data.canonicalize().map_err(|e| StartError::File(data.to_owned(), e.kind()))?;
    let kept = Kept::read(&data)?;
    let read = Config::read(config)?;
    if read.environment != Environment::Test {
        return refused(
            "the sandbox's parties are registered with environment = \"test\" only: their keys are public",
        );
    }
    let database = read.location()?;
    if database.file() == Ok(&data.join("kdp.db")) {
        return refused("this is the sandbox's own database; the service needs one of its own");
    }
    for path in [&read.database.seal_keys, &read.database.lookup_key] {
        if !path.as_os_str().is_empty() && !path.exists() {
            let text = KeyFileSeal::new_file(&SystemRandom::default());
            pki::write(path, &text.map_err(|e| StartError::Other(e.to_string()))?)?;
        }
    }
    let at = SystemClock.now();
    database.migrate(at)?;
    let opened = serve::open_store(&read)?;
    if !opened.store.registry().await?.senders.is_empty() {
        return refused("senders are registered already; nothing was changed");
    }
    let parties = (&world, &kept.passwords);
    registration::for_service(&*opened.store, &*opened.seal, &data, parties, at).await?;
    Ok(opened.store.registry().await?.senders.len())
}
