//! The second factor (P 7 10): a program of the installation's own judges the code.

use crate::cli::{Failure, Result};
use kdp::operator::Name;
use secrecy::{ExposeSecret as _, SecretString};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// How long the program may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether the program at `hook` takes the code of this operator: called with the name, the code and a line break on its
/// stdin, nothing in its environment but `PATH`; exit 0 is a yes, any other a no.
pub async fn holds(hook: &Path, name: &Name, code: &SecretString) -> Result<bool> {
    let cannot = |why: &str| Failure::unusable(format!("operators.second_factor, {}: {why}", hook.display()));
    let mut child = Command::new(hook)
        .arg(name.as_str())
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| cannot(&e.kind().to_string()))?;
    let mut stdin = child.stdin.take();
    let judge = async {
        if let Some(stdin) = &mut stdin {
            // A program that decides without reading all of it has closed its stdin by now.
            let _ = stdin.write_all(code.expose_secret().as_bytes()).await;
            let _ = stdin.write_all(b"\n").await;
        }
        drop(stdin);
        child.wait().await
    };
    let ended = tokio::time::timeout(PATIENCE, judge).await.map_err(|_| cannot("took longer than 10 s"))?;
    Ok(ended.map_err(|e| cannot(&e.kind().to_string()))?.success())
}
