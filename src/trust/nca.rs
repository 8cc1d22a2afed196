//! The authorities of the national PKI that the program knows without being told, for the commands that look at files
//! (`deploy/nca/`). The service trusts what its configuration names, and nothing else.

use super::Distrust;
use super::certificate::Certificate;
use super::path::Authorities;

const PRODUCTION: [&[u8]; 11] = [
    include_bytes!("../../deploy/nca/root_rsa.pem"),
    include_bytes!("../../deploy/nca/root_rsa_2020.cer"),
    include_bytes!("../../deploy/nca/root_gost.pem"),
    include_bytes!("../../deploy/nca/root_gost_2020.cer"),
    include_bytes!("../../deploy/nca/root_gost_2022.pem"),
    include_bytes!("../../deploy/nca/nca_rsa.pem"),
    include_bytes!("../../deploy/nca/nca_rsa_2022.cer"),
    include_bytes!("../../deploy/nca/nca_gost.pem"),
    include_bytes!("../../deploy/nca/nca_gost_2022.pem"),
    include_bytes!("../../deploy/nca/ucgo_gost.cer"),
    include_bytes!("../../deploy/nca/btsd_gost.cer"),
];

/// The production authorities.
///
/// # Errors
/// Those of [`Authorities::add`]; of these files, none.
pub fn production() -> Result<Authorities, Distrust> {
    let mut authorities = Authorities::default();
    for file in PRODUCTION {
        authorities.add(Certificate::from_file(file)?)?;
    }
    Ok(authorities)
}
