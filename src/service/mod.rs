//! One file a serviceId: Request, Reply, `handle()`.

pub mod access_request;
pub mod payload;
