//! SOAP 1.1: the envelope, the `SyncChannel` of ШЭП in it, and the published contract.

pub mod async_channel;
pub mod async_client;
pub mod envelope;
pub mod sync_channel;
pub mod sync_client;
pub mod wsdl;
