//! Messages whose sender made their ids of a person, signed as they must be.

use kdp::trust::certificate::Certificate;
use kdp::trust::outgoing::{EnvelopeSigner, KeyInfoForm};
use kdp::trust::sign;
use std::fs;
use std::path::Path;

/// What a sender writes around its ask.
pub struct Words<'a> {
    pub message_id: &'a str,
    pub correlation_id: &'a str,
    pub session_id: &'a str,
    pub service_id: &'a str,
    pub sender_id: &'a str,
    pub password: &'a str,
}

/// The message, signed by the bank. Its ask names the subject, and a method that is none: so it is refused.
pub fn message(data: &Path, words: &Words<'_>, uin: &str) -> Vec<u8> {
    let key = fs::read_to_string(data.join("pki/bank.key.pem")).unwrap();
    let certificate = Certificate::from_file(&fs::read(data.join("pki/bank.cert.pem")).unwrap()).unwrap();
    let signer = EnvelopeSigner::new(sign::from_pem(&key).unwrap(), certificate, KeyInfoForm::Certificate);
    signer
        .envelope("id-1", |writer| {
            writer
                .open("t:SendMessage", &[("t", "http://bip.bee.kz/SyncChannel/v10/Types")], &[])
                .open("request", &[], &[])
                .open("requestInfo", &[], &[])
                .leaf("messageId", words.message_id)
                .leaf("correlationId", words.correlation_id)
                .leaf("serviceId", words.service_id)
                .leaf("messageDate", "2026-04-01T12:00:00.000+05:00")
                .leaf("sessionId", words.session_id)
                .open("sender", &[], &[])
                .leaf("senderId", words.sender_id)
                .leaf("password", words.password)
                .close()
                .close()
                .open("requestData", &[], &[])
                .open("data", &[], &[])
                .leaf("uin", uin)
                .leaf("method", "none")
                .close()
                .close()
                .close()
                .close();
        })
        .unwrap()
}
