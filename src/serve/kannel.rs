//! The SMS gateway of `sms.driver = "kannel"`, as the configuration describes it.

use super::StartError;
use super::outside::{read_authorities, read_password};
use crate::clock::Clock;
use crate::config::Config;
use crate::gateway::http_client::HttpClient;
use crate::gateway::kannel::{Access, CallbackSecret, KannelError, KannelSms};
use std::sync::Arc;
use std::time::Duration;

/// Reads its files.
///
/// # Errors
/// [`StartError`] naming the file, or the key of the configuration.
pub(super) fn read_kannel(config: &Config, clock: Arc<dyn Clock>) -> Result<KannelSms, StartError> {
    let other = |text: String| StartError::Other(text);
    let section = &config.sms.kannel;
    let authorities = section.tls_ca.as_os_str();
    let authorities =
        (!authorities.is_empty()).then(|| read_authorities(config, &section.tls_ca)).transpose()?;
    if section.url.starts_with("https:") && authorities.is_none() {
        let text = "sms.kannel.url with https:// needs sms.kannel.tls_ca, the authorities of its server";
        return Err(other(text.to_owned()));
    }
    let http = HttpClient::new(Duration::from_millis(config.sms.timeout_ms), authorities.as_deref());
    let http = http.map_err(|e| other(format!("sms.kannel.tls_ca: {e}")))?;
    let wrong = |e: KannelError| other(e.to_string());
    let access = Access {
        url: section.url.clone(),
        username: section.username.clone(),
        password: read_password(&section.password)?,
        from: section.from.clone(),
        callback: section.callback.clone(),
        secret: CallbackSecret::new(read_password(&section.callback_secret)?).map_err(wrong)?,
    };
    KannelSms::new(access, http, clock).map_err(wrong)
}
