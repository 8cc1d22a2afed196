//! A request in the wrapper of `SyncChannel` v10 (wire.md 1 and 2.1), written strictly.

use super::payload::Payload;
use kdp::clock;
use kdp::soap::sync_channel::T;
use kdp::xml::Writer;
use secrecy::{ExposeSecret as _, SecretString};

/// One request.
pub struct Message<'a> {
    /// `messageId`.
    pub id: String,
    /// `serviceId`.
    pub service_id: &'a str,
    /// `messageDate`, Unix milliseconds.
    pub at: i64,
    /// `sender/senderId`.
    pub sender_id: &'a str,
    /// `sender/password`.
    pub password: Option<&'a SecretString>,
    /// The children of `data`.
    pub payload: &'a Payload,
}

impl<'a> Message<'a> {
    /// Writes the content of the Body.
    pub fn write(&self, writer: &mut Writer<'a>) {
        writer
            .open("t:SendMessage", &[("t", T)], &[])
            .open("request", &[], &[])
            .open("requestInfo", &[], &[])
            .leaf("messageId", &self.id)
            .leaf("serviceId", self.service_id)
            .leaf("messageDate", &clock::text(self.at))
            .open("sender", &[], &[])
            .leaf("senderId", self.sender_id);
        if let Some(password) = self.password {
            writer.leaf("password", password.expose_secret());
        }
        writer.close().close().open("requestData", &[], &[]).open("data", &[], &[]);
        let payload: &'a Payload = self.payload;
        let mut within = None;
        for (path, value) in payload.fields() {
            let (parent, name) = path.split_once('/').map_or((None, path), |(a, b)| (Some(a), b));
            if within != parent {
                if within.is_some() {
                    writer.close();
                }
                if let Some(parent) = parent {
                    writer.open(parent, &[], &[]);
                }
                within = parent;
            }
            writer.leaf(name, value);
        }
        if within.is_some() {
            writer.close();
        }
        writer.close().close().close().close();
    }
}
