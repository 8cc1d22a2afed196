//! A target that is open: what takes the records.

use super::syslog::{Origin, counted, datagram};
use super::target::Target;
use super::{Chained, line};
use std::io::{Error, ErrorKind, Read as _, Result, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpStream, UdpSocket, UnixDatagram};

/// Longest wait for a peer that takes nothing.
const PATIENCE: Duration = Duration::from_secs(5);

/// See the module.
pub enum Sink {
    /// Connected, so that the system tells when nobody listens.
    Udp(UdpSocket),
    /// Connected.
    Tcp(TcpStream),
    /// Connected.
    Unix(UnixDatagram),
    /// Opened for each batch: it may be moved away at any time (logrotate).
    File(PathBuf),
}

impl Sink {
    /// Opens a target.
    ///
    /// # Errors
    /// Those of the system; [`ErrorKind::TimedOut`].
    pub async fn open(target: &Target) -> Result<Self> {
        patient(async {
            match target {
                Target::Udp(address) => {
                    let peer = tokio::net::lookup_host(address).await?.next().ok_or(ErrorKind::NotFound)?;
                    let own = if peer.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
                    let socket = UdpSocket::bind(own).await?;
                    socket.connect(peer).await?;
                    Ok(Self::Udp(socket))
                }
                Target::Tcp(address) => Ok(Self::Tcp(TcpStream::connect(address).await?)),
                Target::Unix(path) => {
                    let socket = UnixDatagram::unbound()?;
                    socket.connect(path)?;
                    Ok(Self::Unix(socket))
                }
                Target::File(path) => Ok(Self::File(path.clone())),
            }
        })
        .await
    }

    /// How long it takes at most until a peer that is gone is noticed; what was sent within it may be lost.
    #[must_use]
    pub fn doubt(&self) -> Duration {
        match self {
            Self::Udp(_) | Self::Tcp(_) => Duration::from_secs(1),
            Self::Unix(_) | Self::File(_) => Duration::ZERO,
        }
    }

    /// Hands records over. Some may have been, also when it fails.
    ///
    /// # Errors
    /// Those of the system; [`ErrorKind::TimedOut`].
    pub async fn send(&mut self, records: &[Chained], origin: &Origin) -> Result<()> {
        match self {
            Self::Udp(socket) => {
                for record in records {
                    let message = datagram(origin.message(record));
                    patient(socket.send(message.as_bytes())).await?;
                }
                Ok(())
            }
            Self::Unix(socket) => {
                for record in records {
                    let message = datagram(origin.message(record));
                    patient(socket.send(message.as_bytes())).await?;
                }
                Ok(())
            }
            Self::Tcp(stream) => {
                let messages: String =
                    records.iter().map(|record| counted(&origin.message(record))).collect();
                patient(stream.write_all(messages.as_bytes())).await
            }
            Self::File(path) => {
                let (path, lines) = (path.clone(), records.iter().map(line::line).collect::<String>());
                let append = tokio::task::spawn_blocking(move || append(&path, &lines));
                append.await.map_err(|_| Error::from(ErrorKind::Other))?
            }
        }
    }

    /// Whether the peer is still there, as far as the system knows.
    ///
    /// # Errors
    /// That it is not.
    pub fn check(&self) -> Result<()> {
        let heard = match self {
            Self::Tcp(stream) => stream.try_read(&mut [0; 256]),
            Self::Udp(socket) => socket.try_recv(&mut [0; 256]).map(|_| 1),
            Self::Unix(_) | Self::File(_) => return Ok(()),
        };
        match heard {
            Ok(0) => Err(ErrorKind::ConnectionReset.into()),
            // What a collector says to us is of no interest.
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error),
        }
    }
}

async fn patient<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
}

/// Appends whole lines, on disk when it returns. The file is made for its owner alone.
fn append(path: &Path, lines: &str) -> Result<()> {
    let mut file = std::fs::OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    // A line that a crash cut off is ended first, so that the next one can be read.
    if file.seek(SeekFrom::End(0))? > 0 {
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    file.write_all(lines.as_bytes())?;
    file.sync_all()
}
