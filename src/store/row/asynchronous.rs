//! Messages of `AsyncChannel` as rows.

use super::half;
use crate::random::Id;
use crate::store::StoreError;
use crate::store::asynchronous::Intake;
use crate::store::seal::{Place, Seal};
use zeroize::Zeroizing;

pub const MESSAGE: &str = "asynchronous.message";

/// States.
pub const OPEN: u8 = 0;
pub const WAITS: u8 = 1;
pub const SENT: u8 = 2;
pub const ENDED: u8 = 3;
pub const TWICE: u8 = 4;

/// A message, sealed.
pub fn sealed(seal: &dyn Seal, id: Id, message: &[u8]) -> Result<Vec<u8>, StoreError> {
    let place = Place { column: MESSAGE, row: id.as_bytes() };
    seal.seal(place, message).ok_or(StoreError::Unreadable(MESSAGE))
}

/// Ids of others' making may be made of numbers of persons.
pub fn theirs_hash(seal: &dyn Seal, message_id: &str) -> [u8; 16] {
    half(seal.hash("async-message", &[message_id.as_bytes()]))
}

/// What identifies a message: a second one is the same one again.
pub fn chain(seal: &dyn Seal, intake: &Intake) -> [u8; 16] {
    let sender = intake.sender.as_bytes();
    half(match &intake.correlation_id {
        Some(chain) => seal.hash("async-chain", &[sender, chain.as_bytes()]),
        None if intake.message_id.is_empty() => seal.hash("async-own", &[intake.id.as_bytes()]),
        None => seal.hash("async-unchained", &[sender, intake.message_id.as_bytes(), &intake.asked]),
    })
}

/// A message as it was sealed.
pub fn opened(seal: &dyn Seal, id: Id, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    let place = Place { column: MESSAGE, row: id.as_bytes() };
    seal.open(place, sealed).ok_or(StoreError::Unreadable(MESSAGE))
}

/// What stands for a sender.
pub fn sender_hash(seal: &dyn Seal, sender: &str) -> [u8; 16] {
    half(seal.hash("async-sender", &[sender.as_bytes()]))
}

/// What stands for what was asked.
pub fn asked_hash(seal: &dyn Seal, intake: &Intake) -> [u8; 32] {
    seal.hash("async-asked", &[&intake.asked])
}
