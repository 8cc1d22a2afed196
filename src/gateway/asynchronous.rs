//! `AsyncChannel` of ШЭП, to which answers go that were not given at once (wire.md 3).

use super::fault::PartyFault;
use super::shep::{Bond, ShepClient};
use super::{Absent, Answer};
use crate::soap::async_client::{Handed, Response, Sender};
use hyper::Uri;
use std::sync::Arc;

/// Name of the party in metrics and journal.
pub const SHEP: &str = "shep";

/// Takes answers over that go to somebody later.
pub trait AsyncChannel: Send + Sync {
    /// Hands an answer over; answers with the messageId that the channel gave it, empty if it gave none. Told twice, under one
    /// messageId of ours, it is one answer.
    fn respond<'a>(&'a self, response: Response<'a>) -> Answer<'a, Result<String, PartyFault>>;
}

impl AsyncChannel for Absent {
    fn respond<'a>(&'a self, _: Response<'a>) -> Answer<'a, Result<String, PartyFault>> {
        Box::pin(async { Err(PartyFault::Absent) })
    }
}

/// `IAsyncChannel` of ШЭП.
pub struct ShepAsyncChannel {
    shep: Arc<ShepClient>,
    url: Uri,
}

impl ShepAsyncChannel {
    /// The channel at `url`.
    #[must_use]
    pub fn new(shep: Arc<ShepClient>, url: Uri) -> Self {
        Self { shep, url }
    }
}

impl AsyncChannel for ShepAsyncChannel {
    fn respond<'a>(&'a self, response: Response<'a>) -> Answer<'a, Result<String, PartyFault>> {
        Box::pin(async move {
            let (id, chain) = (response.message_id.to_string(), response.correlation_id.to_owned());
            self.shep
                .converse(
                    &self.url,
                    &id,
                    |writer, means| {
                        let sender = Sender { id: self.shep.sender_id(), password: means.password.as_ref() };
                        response.write(writer, sender);
                    },
                    |body| match Handed::read(body) {
                        Handed::Over { correlation_id, .. }
                            if !correlation_id.is_empty() && correlation_id != chain =>
                        {
                            Err(PartyFault::OtherQuestion)
                        }
                        Handed::Over { message_id, correlation_id } => {
                            let is_bound = !correlation_id.is_empty();
                            Ok((message_id, if is_bound { Bond::Correlation } else { Bond::Content }))
                        }
                        Handed::Fault => Err(PartyFault::Fault),
                        Handed::Otherwise => Err(PartyFault::NotAnswer),
                    },
                )
                .await
        })
    }
}
