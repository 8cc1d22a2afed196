//! The sandbox of a test: on a free port, of seed 1, quiet.

use kdp::sandbox::Options;
use std::net::SocketAddr;
use std::path::Path;

pub fn options(data: &Path) -> Options {
    Options {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        admin_listen: None,
        data: data.to_owned(),
        database: None,
        reset: false,
        seed: Some(1),
        crypto: None,
        service: None,
        log_level: "error".to_owned(),
    }
}
