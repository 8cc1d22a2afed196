//! Parties that the service calls, each behind a small trait. The sandbox puts its simulators behind the same.

pub mod bounded;
pub mod http_client;

use crate::consent::identity::{Iin, Msisdn};
use std::future::Future;
use std::pin::Pin;

/// What a party answers with, later.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The party did not answer in time, or not sensibly. It is asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the gateway is not available")]
pub struct Unavailable;

/// БМГ / MCDB: whose number is it.
pub trait CitizenDirectory: Send + Sync {
    /// The numbers of a person, none to several. Answers within its own short time limit.
    fn numbers<'a>(&'a self, iin: &'a Iin) -> Answer<'a, Result<Vec<Msisdn>, Unavailable>>;
}

/// Why 1414 did not take an SMS over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SmsError {
    /// Not reachable: the same SMS is sent again, by the same id.
    #[error("the SMS gateway is not available")]
    Unavailable,
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
}

/// 1414: the SMS gateway of «Мобильное правительство».
pub trait SmsGateway: Send + Sync {
    /// Hands an SMS over; `Ok`: the gateway will deliver it.
    fn send<'a>(&'a self, sms: Sms<'a>) -> Answer<'a, Result<(), SmsError>>;
}

/// In place of a gateway that is not configured: never available, so that nothing is ever granted through it.
pub struct Absent;

impl CitizenDirectory for Absent {
    fn numbers<'a>(&'a self, _: &'a Iin) -> Answer<'a, Result<Vec<Msisdn>, Unavailable>> {
        Box::pin(async { Err(Unavailable) })
    }
}

impl SmsGateway for Absent {
    fn send<'a>(&'a self, _: Sms<'a>) -> Answer<'a, Result<(), SmsError>> {
        Box::pin(async { Err(SmsError::Unavailable) })
    }
}
