//! The parties outside, as the configuration describes them.

use super::kannel::read_kannel;
use super::{Problem, Severity, StartError, read, read_secret, read_signer, test_pki};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Driver, Environment};
use crate::current::Current;
use crate::gateway::asynchronous::{AsyncChannel, ShepAsyncChannel};
use crate::gateway::citizen::ShepCitizens;
use crate::gateway::http_client::HttpClient;
use crate::gateway::shep::{Address, Means, ShepClient};
use crate::gateway::sms::ShepSms;
use crate::gateway::{Absent, CitizenDirectory, SmsGateway};
use crate::random::Random;
use crate::trust::Trust;
use crate::trust::certificate::Certificate;
use hyper::Uri;
use secrecy::SecretString;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

/// Longest exchange with ШЭП, whatever a party may take: its own ceiling (wire.md 6).
const EXCHANGE: Duration = Duration::from_secs(30);

/// Everything that the service calls.
pub struct Outside {
    /// БМГ.
    pub citizen: Arc<dyn CitizenDirectory>,
    /// 1414.
    pub sms: Arc<dyn SmsGateway>,
    /// `AsyncChannel` of ШЭП.
    pub channel: Arc<dyn AsyncChannel>,
    /// Through what they are reached, if through ШЭП.
    pub shep: Option<Arc<ShepClient>>,
}

/// The parties of `config`.
///
/// # Errors
/// [`StartError`] naming the file, or the key of the configuration.
pub fn connect(
    config: &Config,
    trust: &Arc<Current<Trust>>,
    means: (Arc<dyn Clock>, Arc<dyn Random>),
) -> Result<Outside, StartError> {
    if let Some(problem) =
        in_the_clear(config).into_iter().find(|problem| problem.severity == Severity::Error)
    {
        return Err(StartError::Other(problem.text));
    }
    let clock = means.0.clone();
    let shep = read_means(config)?
        .map(|read| {
            Ok::<_, StartError>(Arc::new(ShepClient::new(address(config)?, read, trust.clone(), means)))
        })
        .transpose()?;
    let by_shep = |driver: Driver| shep.clone().filter(|_| driver == Driver::Shep);
    let citizen: Arc<dyn CitizenDirectory> = match by_shep(config.bmg.driver) {
        Some(shep) => Arc::new(ShepCitizens::new(shep, config.bmg.service_id.clone())),
        None => Arc::new(Absent),
    };
    let sms: Arc<dyn SmsGateway> = match by_shep(config.sms.driver) {
        Some(shep) => Arc::new(ShepSms::new(shep, config.sms.service_id.clone())),
        None if config.sms.driver == Driver::Kannel => Arc::new(read_kannel(config, clock)?),
        None => Arc::new(Absent),
    };
    let channel: Arc<dyn AsyncChannel> = match &shep {
        Some(shep) if !config.shep.async_url.is_empty() => {
            Arc::new(ShepAsyncChannel::new(shep.clone(), uri("shep.async_url", &config.shep.async_url)?))
        }
        _ => Arc::new(Absent),
    };
    Ok(Outside { citizen, sms, channel, shep })
}

fn address(config: &Config) -> Result<Address, StartError> {
    let section = &config.shep;
    let peer = &section.peer;
    let wrong = |what: String| Err(StartError::Other(format!("shep.peer = {peer:?}: {what}")));
    match config.peers.get(peer) {
        None => return wrong(format!("there is no section [peers.{peer}] with the certificates of ШЭП")),
        // Else whoever has a certificate of an authority could answer for ШЭП.
        Some(its) if its.certificates.is_empty() => {
            return wrong(format!("[peers.{peer}] must pin the certificates of ШЭП"));
        }
        Some(_) => {}
    }
    let (peer, sender_id) = (peer.clone(), section.sender_id.clone());
    Ok(Address { url: uri("shep.url", &section.url)?, peer, sender_id })
}

fn uri(name: &str, address: &str) -> Result<Uri, StartError> {
    address.parse().map_err(|_| StartError::Other(format!("{name} is no address")))
}

/// What ШЭП is asked with, read from its files; `None`: it is not asked.
///
/// # Errors
/// [`StartError`] naming the file.
pub(super) fn read_means(config: &Config) -> Result<Option<Means>, StartError> {
    let section = &config.shep;
    if section.url.is_empty() {
        return Ok(None);
    }
    // At SIGHUP too: without the peer, no answer would be believed any more.
    address(config)?;
    let (password, http) = read_access(config)?;
    Ok(Some(Means { signer: read_signer(config, section.key_info)?, password, http }))
}

/// The password, and the connections to servers of the authorities.
fn read_access(config: &Config) -> Result<(Option<SecretString>, HttpClient), StartError> {
    let section = &config.shep;
    let password = section.password.as_os_str();
    let password = (!password.is_empty()).then(|| read_password(&section.password)).transpose()?;
    let authorities = section.tls_ca.as_os_str();
    let authorities =
        (!authorities.is_empty()).then(|| read_authorities(config, &section.tls_ca)).transpose()?;
    let is_https = [&section.url, &section.async_url].iter().any(|url| url.starts_with("https:"));
    if is_https && authorities.is_none() {
        let text =
            "shep.url and shep.async_url with https:// need shep.tls_ca, the authorities of its server";
        return Err(StartError::Other(text.to_owned()));
    }
    let http = HttpClient::new(EXCHANGE, authorities.as_deref());
    let http = http.map_err(|e| StartError::Other(format!("shep.tls_ca: {e}")))?;
    Ok((password, http.keeping(section.connections)))
}

pub(super) fn read_password(path: &Path) -> Result<SecretString, StartError> {
    let text = read_secret(path)?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(StartError::Other(format!("{}: there is no password in it", path.display())));
    }
    Ok(SecretString::from(password))
}

pub(super) fn read_authorities(config: &Config, path: &Path) -> Result<Vec<u8>, StartError> {
    let pem = read(path)?;
    // Whoever has the keys of the sandbox could be its server; what is no certificate of ours to read is judged by TLS.
    let is_test = |der: CertificateDer<'_>| {
        Certificate::from_der(&der)
            .is_ok_and(|authority| authority.is_test() || authority.is_issued_by_test())
    };
    if config.environment != Environment::Test
        && CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok).any(is_test)
    {
        return Err(test_pki(path));
    }
    Ok(pem)
}

/// What stands in the way of the parties of `config`, and what is wanting.
pub(super) fn inspect(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut tell = |severity, text: String| problems.push(Problem { severity, text });
    if !config.shep.url.is_empty() {
        // Our key is that of the answers, and looked at with them.
        for error in [read_access(config).err(), address(config).err()].into_iter().flatten() {
            tell(Severity::Error, error.to_string());
        }
    }
    if config.sms.driver == Driver::Kannel
        && let Err(error) = read_kannel(config, Arc::new(SystemClock))
    {
        tell(Severity::Error, error.to_string());
    }
    let missing: Vec<&str> = [("bmg.driver", config.bmg.driver), ("sms.driver", config.sms.driver)]
        .into_iter()
        .filter(|(_, driver)| *driver == Driver::Absent)
        .map(|(name, _)| name)
        .collect();
    if !missing.is_empty() {
        let text = "requests that ask the subject wait and time out";
        tell(
            Severity::Warning,
            format!("methods 1 and 5 have no gateways ({} = \"none\"): {text}", missing.join(" and ")),
        );
    }
    if config.bmg.driver != Driver::Absent && config.bmg.timeout_ms >= config.limits.exchange_seconds * 1000 {
        let text =
            "is not shorter than limits.exchange_seconds: exchanges are broken off while they wait for БМГ";
        tell(Severity::Warning, format!("bmg.timeout_ms {text}"));
    }
    problems.extend(in_the_clear(config));
    problems
}

/// What travels in the clear between machines: in production an error, unless it was meant to.
fn in_the_clear(config: &Config) -> Vec<Problem> {
    let (shep, kannel) = (&config.shep, &config.sms.kannel);
    let by_shep = "messages travel in the clear, and whoever stands between may change what answer is given to which question";
    let by_kannel = "passwords, numbers and what subjects are asked and answer travel in the clear";
    let of_shep = ("shep.plain", shep.plain, by_shep);
    let of_kannel = ("sms.kannel.plain", kannel.plain, by_kannel);
    let is_production = config.environment == Environment::Production;
    let addresses = [
        ("shep.url", &shep.url, of_shep),
        ("shep.async_url", &shep.async_url, of_shep),
        ("sms.kannel.url", &kannel.url, of_kannel),
        ("sms.kannel.callback", &kannel.callback, of_kannel),
    ];
    let is_used = |name: &str| config.sms.driver == Driver::Kannel || !name.starts_with("sms.");
    let mut problems = Vec::new();
    for (name, address, (plain, is_meant, text)) in addresses {
        if !is_used(name) || !leaves_in_the_clear(address) {
            continue;
        }
        let text = format!("{name} is http://: {text}; use https://");
        problems.push(if is_production && !is_meant {
            let text = format!("{text}, or set {plain} = true if something between protects the way");
            Problem { severity: Severity::Error, text }
        } else {
            Problem { severity: Severity::Warning, text }
        });
    }
    problems
}

/// Whether this is an `http://` address of another machine.
fn leaves_in_the_clear(address: &str) -> bool {
    let Ok(uri) = address.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    uri.scheme_str() == Some("http") && !is_here
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    fn started(text: &str) -> Result<(), String> {
        let config = Config::parse(text).unwrap();
        let trust = Arc::new(Current::new(Trust::default()));
        let means: (Arc<dyn Clock>, Arc<dyn Random>) =
            (Arc::new(SystemClock), Arc::new(SeededRandom::new(1, 0)));
        connect(&config, &trust, means).map(|_| ()).map_err(|error| error.to_string())
    }

    const KANNEL: &str = "[sms]\ndriver = \"kannel\"\n[sms.kannel]\nusername = \"kdp\"\npassword = \"a\"\n\
        callback_secret = \"b\"\nurl = \"URL\"\ncallback = \"CALLBACK\"\n";

    #[test]
    fn in_production_the_service_does_not_start_to_speak_in_the_clear_to_other_machines() {
        let kannel = |url: &str, callback: &str| KANNEL.replace("URL", url).replace("CALLBACK", callback);
        let (here, there) = ("http://127.0.0.1:1/", "http://shep.example/");
        for (text, name) in [
            (format!("[shep]\nurl = \"{there}\"\n"), "shep.url"),
            ("[shep]\nurl = \"http://127.0.0.1.shep.example/\"\n".to_owned(), "shep.url"),
            ("[shep]\nurl = \"HTTP://shep.example/\"\n".to_owned(), "shep.url"),
            ("[shep]\nurl = \"http://[fe80::1]/\"\n".to_owned(), "shep.url"),
            (format!("[shep]\nurl = \"{here}\"\nasync_url = \"{there}\"\n"), "shep.async_url"),
            (kannel(there, here), "sms.kannel.url"),
            (kannel(here, there), "sms.kannel.callback"),
        ] {
            let told = started(&text).unwrap_err();
            let section = if name.starts_with("shep") { "shep.plain" } else { "sms.kannel.plain" };
            assert!(told.starts_with(name) && told.contains(&format!("set {section} = true")), "{told}");
            for allowed in [format!("environment = \"test\"\n{text}"), format!("{text}plain = true\n")] {
                // What is wrong next: no certificates, no file.
                let told = started(&allowed).unwrap_err();
                assert!(!told.contains("http://"), "{told}");
            }
        }
        for here in
            ["http://127.0.0.2:1/", "http://LOCALHOST/", "http://[::1]:8080/", "https://shep.example/"]
        {
            let told = started(&format!("[shep]\nurl = \"{here}\"\n")).unwrap_err();
            assert!(told.contains("[peers.shep]"), "{told}");
        }
        assert_eq!(
            started(
                &KANNEL.replace("kannel\"\n[", "none\"\n[").replace("CALLBACK", there).replace("URL", there)
            ),
            Ok(())
        );
    }
}
