//! Which keys the parties of the sandbox sign with, as `--crypto` says.

use crate::trust::gost::Scheme;
use serde::{Deserialize, Serialize};

/// The choice of the whole sandbox. Everybody has a key of both kinds, and both are believed, whatever is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Crypto {
    /// RSA everywhere.
    #[default]
    Rsa,
    /// ГОСТ everywhere.
    Gost,
    /// Half of the peers sign by ГОСТ; the service too, so that both kinds meet.
    Mixed,
}

/// What one party signs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// RSA of 2048 bits.
    Rsa,
    /// One of the two of ГОСТ.
    Gost,
}

impl Crypto {
    /// What the peer at this place in the world signs with.
    #[must_use]
    pub fn of_peer(self, place: usize) -> KeyKind {
        match self {
            Self::Rsa => KeyKind::Rsa,
            Self::Mixed if place % 2 == 1 => KeyKind::Rsa,
            Self::Gost | Self::Mixed => KeyKind::Gost,
        }
    }

    /// What the service signs its answers with.
    #[must_use]
    pub fn of_service(self) -> KeyKind {
        self.of_peer(0)
    }
}

impl KeyKind {
    /// The file of a party's key or certificate.
    #[must_use]
    pub fn file(self, name: &str, what: &str) -> String {
        match self {
            Self::Rsa => format!("{name}.{what}.pem"),
            Self::Gost => format!("{name}.gost.{what}.pem"),
        }
    }

    /// The certificate of the authority that issues to keys of the kind.
    #[must_use]
    pub fn authority(self) -> &'static str {
        match self {
            Self::Rsa => "ca.pem",
            Self::Gost => "ca.gost.pem",
        }
    }
}

/// The scheme of a party's key of ГОСТ: certificates of 34.310-2004 are still about, here among those who send no
/// verification tokens.
#[must_use]
pub fn scheme(name: &str) -> Scheme {
    if matches!(name, "egov" | "sms1414") { Scheme::Gost2004 } else { Scheme::Gost2015 }
}
