//! Parties that the service calls, each behind a small trait. The sandbox puts its simulators behind the same.

pub mod asynchronous;
pub mod bounded;
pub mod citizen;
pub mod fault;
pub mod http_client;
pub mod kannel;
pub mod shep;
pub mod sms;

use crate::consent::identity::{Iin, Msisdn};
use fault::PartyFault;
use std::future::Future;
use std::pin::Pin;

/// Names of the parties in metrics and journal.
pub const BMG: &str = "bmg";
/// See [`BMG`].
pub const SMS: &str = "1414";

/// What a party answers with, later.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// БМГ / MCDB: whose number is it.
pub trait CitizenDirectory: Send + Sync {
    /// The numbers of a person, none to several, the one to use first. After a fault it is asked again.
    fn numbers<'a>(&'a self, iin: &'a Iin) -> Answer<'a, Result<Vec<Msisdn>, PartyFault>>;
}

/// Why 1414 did not take an SMS over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SmsError {
    /// Nobody knows whether it was taken: the same SMS is sent again, by the same id.
    #[error("{0}")]
    Fault(#[from] PartyFault),
    /// Refused for good.
    #[error("the SMS gateway refused the message")]
    Refused,
}

/// An SMS to a subject.
pub struct Sms<'a> {
    /// Equal ids are one SMS: a gateway may be told twice.
    pub id: &'a str,
    /// To whom.
    pub to: &'a Msisdn,
    /// What it says: GSM 7-bit, at most three parts.
    pub text: &'a str,
    /// After this it need not be delivered any more, Unix milliseconds.
    pub valid_until: i64,
}

/// 1414: the SMS gateway of «Мобильное правительство».
pub trait SmsGateway: Send + Sync {
    /// Hands an SMS over; `Ok`: the gateway will deliver it.
    fn send<'a>(&'a self, sms: Sms<'a>) -> Answer<'a, Result<(), SmsError>>;

    /// Whether its calls to this service bring this secret. Most gateways call by messages that are signed, never so.
    fn calls_with(&self, secret: &[u8]) -> bool {
        let _ = secret;
        false
    }
}

/// In place of a gateway that is not configured: never available, so that nothing is ever granted through it.
pub struct Absent;

impl CitizenDirectory for Absent {
    fn numbers<'a>(&'a self, _: &'a Iin) -> Answer<'a, Result<Vec<Msisdn>, PartyFault>> {
        Box::pin(async { Err(PartyFault::Absent) })
    }
}

impl SmsGateway for Absent {
    fn send<'a>(&'a self, _: Sms<'a>) -> Answer<'a, Result<(), SmsError>> {
        Box::pin(async { Err(PartyFault::Absent.into()) })
    }
}
