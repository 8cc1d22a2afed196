//! Where records are handed on to, as the configuration names it.

use std::path::PathBuf;

/// A target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `udp://host:port`: syslog, a datagram a record (RFC 5426). What the network loses is lost.
    Udp(String),
    /// `tcp://host:port`: syslog, octets counted (RFC 6587, 3.4.1).
    Tcp(String),
    /// `unix:///dev/log`: syslog of this machine.
    Unix(PathBuf),
    /// A file to which lines are appended.
    File(PathBuf),
}

impl Target {
    /// Reads `journal.syslog`; `None` of an empty text.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn syslog(text: &str) -> Result<Option<Self>, &'static str> {
        if text.is_empty() {
            return Ok(None);
        }
        let wrong = "must be udp://host:port, tcp://host:port or unix:///path";
        let (scheme, place) = text.split_once("://").ok_or(wrong)?;
        let address = |place: &str| {
            let (host, port) = place.rsplit_once(':')?;
            let sound = !host.is_empty() && !host.contains(['/', '@', ' ']);
            (sound && port.parse::<u16>().is_ok_and(|port| port > 0)).then(|| place.to_owned())
        };
        let target = match scheme {
            "udp" => address(place).map(Self::Udp),
            "tcp" => address(place).map(Self::Tcp),
            "unix" => place.starts_with('/').then(|| Self::Unix(PathBuf::from(place))),
            _ => None,
        };
        target.map(Some).ok_or(wrong)
    }

    /// Reads `journal.file`; `None` of an empty text.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn file(text: &str) -> Result<Option<Self>, &'static str> {
        match text {
            "" => Ok(None),
            path if path.starts_with('/') => Ok(Some(Self::File(PathBuf::from(path)))),
            _ => Err("must be an absolute path"),
        }
    }

    /// Label in metrics and log.
    #[must_use]
    pub fn label(&self) -> &'static str {
        if matches!(self, Self::File(_)) { "file" } else { "syslog" }
    }

    /// Under which name the last record that it has is remembered.
    #[must_use]
    pub fn counter(&self) -> &'static str {
        if matches!(self, Self::File(_)) { "journal:file" } else { "journal:syslog" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_a_wrong_one_is_not_guessed_at() {
        let read = |text| Target::syslog(text).unwrap();
        assert_eq!(read(""), None);
        assert_eq!(read("udp://127.0.0.1:514"), Some(Target::Udp("127.0.0.1:514".to_owned())));
        assert_eq!(read("tcp://[::1]:601"), Some(Target::Tcp("[::1]:601".to_owned())));
        assert_eq!(read("tcp://log.example.kz:601"), Some(Target::Tcp("log.example.kz:601".to_owned())));
        assert_eq!(read("unix:///dev/log"), Some(Target::Unix(PathBuf::from("/dev/log"))));
        for wrong in [
            "127.0.0.1:514",
            "udp://",
            "udp://host",
            "tcp://:514",
            "tcp://a:0",
            "tls://a:1",
            "unix://log",
            "udp://u@h:1",
        ] {
            assert!(Target::syslog(wrong).is_err(), "{wrong}");
        }
        assert!(Target::file("journal.log").is_err());
        assert_eq!(Target::file("/var/log/j").unwrap(), Some(Target::File(PathBuf::from("/var/log/j"))));
    }
}
