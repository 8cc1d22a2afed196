//! The parties outside: ШЭП as we call it, БМГ, 1414.

use super::ConfigError;
use crate::trust::outgoing::KeyInfoForm;
use hyper::Uri;
use serde::Deserialize;
use std::path::PathBuf;

section! {
    /// `[shep]`: ШЭП, as the service calls others through it.
    Shep {
        /// Address of its `SyncChannel`; empty: nobody is called through it.
        url: String = String::new(),
        /// Address of its `AsyncChannel`, where answers to what came by `/shep/async` go; empty: that is not offered.
        async_url: String = String::new(),
        /// How long an answer to what came by `/shep/async` is tried, hours, at most 144.
        answer_hours: u32 = 24,
        /// The peer whose certificates sign its answers.
        peer: String = "shep".to_owned(),
        /// `sender/senderId` of this service there.
        sender_id: String = "KDP".to_owned(),
        /// File with `sender/password`; empty: none is sent.
        password: PathBuf = PathBuf::new(),
        /// `certificate`, `issuer-serial`, `binary-token` or `x509-data`.
        key_info: KeyInfoForm = KeyInfoForm::Certificate,
        /// Authorities of its server, PEM, for https.
        tls_ca: PathBuf = PathBuf::new(),
        /// Connections that are kept open.
        connections: usize = 16,
        /// Whether `http://` to another machine will do in production.
        plain: bool = false,
    }
}

/// By what a party is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Driver {
    /// Not at all: whatever needs it waits, and times out.
    #[default]
    #[serde(rename = "none")]
    Absent,
    /// Through ШЭП.
    Shep,
    /// 1414 alone: an SMS gateway with the HTTP interface of Kannel.
    Kannel,
}

section! {
    /// `[bmg]`
    Bmg {
        /// `none` or `shep`.
        driver: Driver = Driver::Absent,
        /// serviceId of БМГ.
        service_id: String = "MCDB_SERVICE".to_owned(),
        /// Time for one question, milliseconds: an exchange waits for it.
        timeout_ms: u64 = 2000,
    }
}

section! {
    /// `[sms]`
    SmsSection {
        /// `none`, `shep` or `kannel`.
        driver: Driver = Driver::Absent,
        /// serviceId of 1414.
        service_id: String = "SMS_1414".to_owned(),
        /// The gateway, with the driver `kannel`.
        kannel: Kannel = Kannel::default(),
        /// Texts, `Kazakh / Russian`; empty: the built-in ones.
        ask: String = String::new(),
        /// Method 5.
        ask_code: String = String::new(),
        /// Help.
        help: String = String::new(),
        /// Help for method 5.
        help_code: String = String::new(),
        /// When a bare yes is not enough.
        add_reference: String = String::new(),
        /// Time for handing one SMS over, milliseconds.
        timeout_ms: u64 = 10_000,
    }
}

section! {
    /// `[sms.kannel]`
    Kannel {
        /// Address of its `sendsms`.
        url: String = String::new(),
        /// User there.
        username: String = String::new(),
        /// File with the password there.
        password: PathBuf = PathBuf::new(),
        /// From whom the SMS comes.
        from: String = "1414".to_owned(),
        /// Where it calls this service, up to and without `/kannel/`.
        callback: String = String::new(),
        /// File with the secret that its calls bring, 16 to 128 letters, digits, `-` and `_`.
        callback_secret: PathBuf = PathBuf::new(),
        /// Authorities of its server, PEM, for https.
        tls_ca: PathBuf = PathBuf::new(),
        /// Whether `http://` between it and another machine will do in production.
        plain: bool = false,
    }
}

/// Whether what the drivers need is there.
pub fn check(shep: &Shep, bmg: &Bmg, sms: &SmsSection) -> Result<(), ConfigError> {
    let value = |text: &str| Err(ConfigError::Value(text.to_owned()));
    if bmg.driver == Driver::Kannel {
        return value("bmg.driver must be \"none\" or \"shep\"");
    }
    if [bmg.driver, sms.driver].contains(&Driver::Shep) && shep.url.is_empty() {
        return value("bmg.driver and sms.driver = \"shep\" need shep.url");
    }
    if !shep.async_url.is_empty() && shep.url.is_empty() {
        return value("shep.async_url needs shep.url");
    }
    if !(1..=144).contains(&shep.answer_hours) {
        return value("shep.answer_hours must be 1 to 144");
    }
    if shep.connections == 0 {
        return value("shep.connections must be more than 0");
    }
    let kannel = &sms.kannel;
    let addresses = [
        ("shep.url", &shep.url),
        ("shep.async_url", &shep.async_url),
        ("sms.kannel.url", &kannel.url),
        ("sms.kannel.callback", &kannel.callback),
    ];
    for (name, address) in addresses {
        if !address.is_empty() && !is_address(address) {
            return Err(ConfigError::Value(format!(
                "{name} must be http://host:port/path or https://host:port/path, without a password"
            )));
        }
    }
    let missing = |path: &PathBuf| path.as_os_str().is_empty();
    if sms.driver == Driver::Kannel {
        if kannel.url.is_empty() || kannel.callback.is_empty() {
            return value("sms.driver = \"kannel\" needs sms.kannel.url and sms.kannel.callback");
        }
        if kannel.username.is_empty() || missing(&kannel.password) || missing(&kannel.callback_secret) {
            return value(
                "sms.driver = \"kannel\" needs sms.kannel.username, sms.kannel.password and sms.kannel.callback_secret",
            );
        }
    }
    Ok(())
}

fn is_address(text: &str) -> bool {
    text.parse::<Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
    })
}
