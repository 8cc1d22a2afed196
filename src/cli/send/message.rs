//! A request in the wrapper of `SyncChannel` v10 (wire.md 1 and 2.1), written strictly.

use super::payload::Payload;
use kdp::soap::sync_client::Request;
use kdp::xml::Writer;

/// One request.
pub struct Message<'a> {
    /// What stands around the payload.
    pub request: Request<'a>,
    /// The children of `data`.
    pub payload: &'a Payload,
}

impl<'a> Message<'a> {
    /// Writes the content of the Body.
    pub fn write(&self, writer: &mut Writer<'a>) {
        let payload: &'a Payload = self.payload;
        self.request.write(writer, |writer| {
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
        });
    }
}
