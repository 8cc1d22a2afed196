//! What 1414 brings, and who hears it: the service in this process, or one elsewhere ([`super::stand`]).

use crate::app::App;
use crate::consent::identity::Msisdn;
use crate::gateway::Answer;
use crate::service::sms_reply;
use crate::store::StoreError;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is brought to a service elsewhere at the same time.
const AT_ONCE: usize = 64;

/// What 1414 brings to the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incoming {
    /// Of its own; the same when it is brought again.
    pub id: String,
    /// When the subject sent it, or when the gateway knew, Unix milliseconds.
    pub at: i64,
    /// What it is.
    pub what: What,
}

/// See [`Incoming`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// An SMS of a subject.
    Reply {
        /// Number, digits.
        from: String,
        /// What it says.
        text: String,
    },
    /// A delivery report.
    Report {
        /// Of the SMS.
        sms_id: String,
        /// See [`Fate::state`].
        state: String,
    },
}

/// Who hears what subjects send.
pub trait Ear: Send + Sync {
    /// Takes it over; `Ok(false)`: it is to be brought again later.
    fn hear<'a>(&'a self, incoming: &'a Incoming) -> Answer<'a, Result<bool, StoreError>>;
    /// How many may be brought at the same time; with one, in the order in which they were planned.
    fn at_once(&self) -> usize {
        AT_ONCE
    }
}

/// The service in this process.
pub struct Own(pub Arc<App>);

impl Ear for Own {
    fn hear<'a>(&'a self, incoming: &'a Incoming) -> Answer<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            if let What::Reply { from, text } = &incoming.what
                && let Some(from) = Msisdn::parse(from)
            {
                let (id, at) = (incoming.id.clone(), self.0.clock.now());
                let said = (text.as_str(), Some(incoming.at));
                sms_reply::hear(&self.0, from, id, said, sms_reply::came(at)).await?;
            }
            Ok(true)
        })
    }

    fn at_once(&self) -> usize {
        1
    }
}
