//! Connections: where the database is, how it is reached, and how many are kept.

use super::fault::{MOVED, UNREACHABLE, failed};
use super::tls::{self, Connector};
use crate::store::StoreError;
use crate::store::seal::SealError;
use crate::store::seal::source::KeySource;
use deadpool_postgres::{Connect, Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::path::Path;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::{Client, Config, Error};
use zeroize::Zeroizing;

/// Time for a connection to be made, and for one that others use to be given back.
const PATIENCE: Duration = Duration::from_secs(5);
/// Time for a machine to answer that it is there: once it may not have heard.
const CALL: Duration = Duration::from_millis(1500);
/// After so long without a sign of what was sent, the other side is taken to be gone.
const UNANSWERED: Duration = Duration::from_secs(6);

/// What every session is told. A transaction that its node forgot must not hold what others wait for.
const SESSION: &str = "SET statement_timeout = '8s'; SET lock_timeout = '5s'; \
                       SET idle_in_transaction_session_timeout = '15s'; SET TIME ZONE 'UTC'";

/// By what the sessions of a move are known; those of nodes and of other commands are `kdp` and the node's name.
pub(super) const MOVER: &str = "kdp: a move";

/// Where the state of many nodes lives, and who of them this one is.
#[derive(Clone, Debug)]
pub struct Place {
    /// One for each host.
    hosts: Vec<Config>,
    connector: Connector,
    connections: usize,
    node: String,
    /// Whether databases that are not in force are opened too.
    opens_any: bool,
}

/// What names a [`Place`].
#[derive(Clone, Debug)]
pub struct Address<'a> {
    /// `postgres://user@host:port,host:port/database?sslmode=require`, or `verify-full`, which is the same here
    pub url: &'a str,
    /// A file with the password, which nobody but its owner may read.
    pub password_file: Option<&'a Path>,
    /// Authorities of the server's certificate, PEM.
    pub authorities: Option<&'a Path>,
    /// Most connections of this node.
    pub connections: u32,
    /// The name of this node, unlike that of every other: its jobs and its chain of the journal are found by it.
    pub node: &'a str,
}

impl Place {
    /// Reads an address. All of its hosts are asked, and one that takes writes is used: never a replica that lags.
    ///
    /// # Errors
    /// [`StoreError::Setup`] says what is wrong with it; the url may hold a password and is not quoted.
    pub fn read(address: &Address<'_>) -> Result<Self, StoreError> {
        let wrong = |why: &str| StoreError::Setup(format!("database.url: {why}"));
        // What other programs call so is what is done here whenever there is TLS.
        let url = address.url.replace("sslmode=verify-full", "sslmode=require");
        let mut config: Config =
            url.parse().map_err(|_| wrong("it is not of the form postgres://user@host/database"))?;
        if address.node.is_empty() || address.node.len() > 64 || address.node.chars().any(char::is_control) {
            return Err(StoreError::Setup("database.node must be a name of 1 to 64 characters".to_owned()));
        }
        let (hosts, ports) = (config.get_hosts().to_vec(), config.get_ports().to_vec());
        if hosts.is_empty() {
            return Err(wrong("it names no host"));
        }
        // It would be asked in place of the host whose name is judged here.
        if !config.get_hostaddrs().is_empty() {
            return Err(wrong("hostaddr is not read: name the address as the host"));
        }
        if ports.len() > 1 && ports.len() != hosts.len() {
            return Err(wrong("it names one port, or one for each host"));
        }
        // Verified, or none at all: what is encrypted for whoever answers protects from nobody.
        if config.get_ssl_mode() != SslMode::Require {
            if !hosts.iter().all(is_local) {
                return Err(wrong("a host that is not this machine needs sslmode=require (P 7 7)"));
            }
            config.ssl_mode(SslMode::Disable);
        }
        if config.get_password().is_some() {
            return Err(wrong("the password stands in the file that database.password_file names, not here"));
        }
        if let Some(path) = address.password_file {
            config.password(read_password(path)?.trim_end());
        }
        config.application_name(format!("kdp {}", address.node));
        let port = |n: usize| ports.get(n).or(ports.first()).copied().unwrap_or(5432);
        let hosts = hosts.iter().enumerate().map(|(n, host)| at(host, port(n), &config)).collect();
        let connector = tls::connector(address.authorities)?;
        let connections = usize::try_from(address.connections.max(2)).unwrap_or(usize::MAX);
        Ok(Self { hosts, connector, connections, node: address.node.to_owned(), opens_any: false })
    }

    /// The name of this node.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.node
    }

    /// The servers and the database, without anything else of the url.
    #[must_use]
    pub fn name(&self) -> String {
        let named = self.hosts.iter().flat_map(|one| {
            one.get_hosts().iter().zip(one.get_ports()).map(|(host, port)| {
                let host = match host {
                    Host::Tcp(name) => name.clone(),
                    Host::Unix(path) => path.display().to_string(),
                };
                if *port == 5432 { host } else { format!("{host}:{port}") }
            })
        });
        let named: Vec<_> = named.collect();
        let database = self.hosts.first().and_then(|one| one.get_dbname().or(one.get_user()));
        format!("postgres://{}/{}", named.join(","), database.unwrap_or_default())
    }

    /// The same for a move: it opens what is not in force, and its sessions are known by their name.
    pub(super) fn to_move(&self) -> Self {
        let mut place = Self { opens_any: true, ..self.clone() };
        for host in &mut place.hosts {
            host.application_name(MOVER);
        }
        place
    }

    /// The same for who gives a move up: it opens what is not in force, and a move sees its sessions as those of a node.
    pub(super) fn to_give_up(&self) -> Self {
        Self { opens_any: true, ..self.clone() }
    }

    /// Connections that are made when they are needed, and kept.
    pub(super) fn pool(&self) -> Result<Pool, StoreError> {
        let fast = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_connect(Config::new(), self.clone(), fast);
        let opens_any = self.opens_any;
        // A node that was away while the database was moved is told so by the first connection that it makes again.
        let prepare = Hook::async_fn(move |client, _| {
            Box::pin(async move {
                client.batch_execute(SESSION).await.map_err(HookError::Backend)?;
                let in_force = client.query_opt("SELECT 1 FROM schema_version WHERE version > 0", &[]).await;
                if opens_any || in_force.map_err(HookError::Backend)?.is_some() {
                    return Ok(());
                }
                Err(HookError::message(MOVED))
            })
        });
        Pool::builder(manager)
            .max_size(self.connections)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .recycle_timeout(Some(PATIENCE))
            .runtime(Runtime::Tokio1)
            .post_create(prepare)
            .build()
            .map_err(|_| StoreError::Setup("no connections to the database can be kept".to_owned()))
    }

    /// A connection, and the task that serves it. All hosts are asked at the same time: the first that takes writes is used,
    /// and one that keeps silent holds up nobody. `None`: no answer in time.
    pub(super) async fn connect(&self) -> Option<Result<(Client, JoinHandle<()>), Error>> {
        tokio::time::timeout(PATIENCE, self.first()).await.ok()
    }

    async fn first(&self) -> Result<(Client, JoinHandle<()>), Error> {
        let mut asked: Vec<_> =
            self.hosts.iter().map(|host| Box::pin(host.connect(self.connector.clone()))).collect();
        let mut told: Option<Error> = None;
        let (client, connection) = poll_fn(|context| {
            let mut n = 0;
            while let Some(one) = asked.get_mut(n) {
                match one.as_mut().poll(context) {
                    Poll::Pending => n += 1,
                    Poll::Ready(Ok(made)) => return Poll::Ready(Ok(made)),
                    Poll::Ready(Err(error)) => {
                        drop(asked.swap_remove(n));
                        // What a server said tells more than that another one is not there.
                        let most = told.take().filter(|told| told.code().is_some()).unwrap_or(error);
                        if asked.is_empty() {
                            return Poll::Ready(Err(most));
                        }
                        told = Some(most);
                    }
                }
            }
            Poll::Pending
        })
        .await?;
        // What ends it ends what is asked on it, and is told there.
        let talk = async { connection.await.unwrap_or_default() };
        Ok((client, tokio::spawn(talk)))
    }

    /// Does `work` on a connection of its own, on a thread of its own: for commands, which may run outside of tokio or
    /// within it.
    pub(super) fn alone<T, F>(&self, work: impl FnOnce(Client) -> F + Send) -> Result<T, StoreError>
    where
        T: Send,
        F: Future<Output = Result<T, StoreError>>,
    {
        aside(async || {
            let connected = self.connect().await.ok_or(StoreError::Unusable(UNREACHABLE))?;
            let (client, talk) = connected.map_err(failed)?;
            let done = work(client).await;
            talk.abort();
            done
        })
    }
}

/// For the pool, which has a patience of its own.
impl Connect for Place {
    fn connect(
        &self,
        _: &Config,
    ) -> Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + '_>> {
        Box::pin(self.first())
    }
}

/// What `config` says, for one host.
fn at(host: &Host, port: u16, config: &Config) -> Config {
    let mut one = Config::new();
    match host {
        Host::Tcp(name) => one.host(name),
        Host::Unix(path) => one.host_path(path),
    };
    if let Some(user) = config.get_user() {
        one.user(user);
    }
    if let Some(password) = config.get_password() {
        one.password(password);
    }
    if let Some(name) = config.get_dbname() {
        one.dbname(name);
    }
    if let Some(options) = config.get_options() {
        one.options(options);
    }
    if let Some(name) = config.get_application_name() {
        one.application_name(name);
    }
    one.port(port)
        .ssl_mode(config.get_ssl_mode())
        .ssl_negotiation(config.get_ssl_negotiation())
        .channel_binding(config.get_channel_binding())
        .target_session_attrs(TargetSessionAttrs::ReadWrite)
        .connect_timeout(CALL)
        .tcp_user_timeout(UNANSWERED)
        .keepalives_idle(UNANSWERED)
        .keepalives_interval(Duration::from_secs(2))
        .keepalives_retries(2);
    one
}

/// Does `work` on a thread of its own.
pub(super) fn aside<T, F>(work: impl FnOnce() -> F + Send) -> Result<T, StoreError>
where
    T: Send,
    F: Future<Output = Result<T, StoreError>>,
{
    let none = || StoreError::Setup("no thread can be started".to_owned());
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("kdp-setup".to_owned()).spawn_scoped(scope, || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map_err(|_| none())?.block_on(work())
        });
        thread.map_err(|_| none())?.join().map_err(|_| none())?
    })
}

fn read_password(path: &Path) -> Result<Zeroizing<String>, StoreError> {
    let told = |why: &str| StoreError::Setup(format!("database.password_file: {} {why}", path.display()));
    match KeySource::File(path.to_owned()).read() {
        Ok((text, _)) => Ok(text),
        Err(SealError::Open) => Err(told("can be read by others than its owner: chmod 600")),
        Err(_) => Err(told("cannot be read")),
    }
}

/// A socket of this machine, or its loopback.
fn is_local(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str, node: &str) -> Result<Place, StoreError> {
        Place::read(&Address { url, password_file: None, authorities: None, connections: 4, node })
    }

    #[test]
    fn what_leaves_the_machine_is_encrypted_and_goes_to_whoever_takes_writes() {
        for local in
            ["postgres://kdp@localhost/kdp", "postgres://kdp@127.0.0.1:5433/kdp", "postgres://%2Frun/kdp"]
        {
            let place = read(local, "one").unwrap();
            assert_eq!(place.hosts[0].get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        }
        for open in [
            "postgres://kdp:secret@db.example/kdp",
            "postgres://kdp:secret@db.example/kdp?sslmode=prefer",
            "postgres://kdp:secret@localhost,10.0.0.1/kdp",
        ] {
            let error = read(open, "one").unwrap_err().to_string();
            assert!(error.contains("sslmode=require") && !error.contains("secret"), "{error}");
        }
        // Nor does a url turn that off, or say what a replica may be asked.
        let replica = "postgres://kdp@a.example,b.example/kdp?sslmode=require&target_session_attrs=any";
        let place = read(replica, "one").unwrap();
        for host in &place.hosts {
            assert_eq!(host.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
            assert_eq!(host.get_ssl_mode(), SslMode::Require);
        }
        let full = read("postgres://kdp@a.example/kdp?sslmode=verify-full", "one").unwrap();
        assert_eq!(full.hosts[0].get_ssl_mode(), SslMode::Require);
        // Nor is another machine asked than the one that was judged.
        let aside = read("postgres://kdp@localhost/kdp?hostaddr=10.0.0.1", "one").unwrap_err().to_string();
        assert!(aside.contains("hostaddr"), "{aside}");
    }

    #[test]
    fn each_host_has_its_own_port_and_what_is_said_of_all() {
        let url = "postgres://kdp@a.example:5433,b.example/state?sslmode=require&options=-c%20jit%3Doff";
        let place = read(url, "one").unwrap();
        let of = |host: &Config| (host.get_hosts().to_vec(), host.get_ports().to_vec());
        let tcp = |name: &str| vec![Host::Tcp(name.to_owned())];
        let hosts: Vec<_> = place.hosts.iter().map(of).collect();
        assert_eq!(hosts, [(tcp("a.example"), vec![5433]), (tcp("b.example"), vec![5432])]);
        for host in &place.hosts {
            let named = (host.get_user(), host.get_dbname(), host.get_options(), host.get_application_name());
            assert_eq!(named, (Some("kdp"), Some("state"), Some("-c jit=off"), Some("kdp one")));
        }
        let ports = "postgres://kdp@/state?host=/a,/b,/c&port=1,2";
        assert!(read(ports, "one").unwrap_err().to_string().contains("port"));
    }

    #[test]
    fn a_url_that_cannot_be_read_is_not_quoted() {
        let error = read("postgres://kdp:secret@localhost/kdp?pasword=secret", "one").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
        let error = read("postgres://kdp:secret@localhost/kdp", "one").unwrap_err().to_string();
        assert!(error.contains("password_file") && !error.contains("secret"), "{error}");
        assert!(read("postgres://kdp@localhost/kdp", "").is_err());
    }
}
