//! What a terminal is asked for. Secrets are not shown while they are typed.

use crate::cli::{Failure, Result};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::{ExposeSecret as _, SecretString};
use std::fs::File;
use std::io::{BufRead as _, BufReader, IsTerminal as _, Write as _};
use zeroize::Zeroizing;

/// A line.
pub fn line(question: &str) -> Result<String> {
    Ok(ask(&mut terminal()?, question)?.to_string())
}

/// A line that is not shown.
pub fn secret(question: &str) -> Result<SecretString> {
    let mut terminal = terminal()?;
    let hidden = Hidden::begin(&terminal)?;
    let answer = ask(&mut terminal, question);
    drop(hidden);
    Ok(SecretString::from(answer?.as_str()))
}

/// A new secret, asked for twice.
pub fn twice() -> Result<SecretString> {
    let (one, two) = (secret("new password: ")?, secret("the same again: ")?);
    if one.expose_secret() == two.expose_secret() {
        return Ok(one);
    }
    Err(Failure::unusable("the two are not the same"))
}

/// The terminal, also where stdin is something else; only where somebody reads what is said.
fn terminal() -> Result<File> {
    let missing = || {
        Failure::unusable(
            "operator-missing: say who you are: --operator NAME and --password-file FILE, or KDP_OPERATOR and \
             KDP_OPERATOR_PASSWORD_FILE (with a second factor, --code-file or KDP_OPERATOR_CODE_FILE too)",
        )
    };
    if !std::io::stderr().is_terminal() {
        return Err(missing());
    }
    File::options().read(true).write(true).open("/dev/tty").map_err(|_| missing())
}

fn ask(terminal: &mut File, question: &str) -> Result<Zeroizing<String>> {
    let mut answer = Zeroizing::new(String::with_capacity(512));
    let asked = terminal.write_all(question.as_bytes()).and_then(|()| terminal.flush());
    let read = asked.and_then(|()| BufReader::with_capacity(1, &*terminal).read_line(&mut answer));
    read.map_err(|e| Failure::unusable(format!("the terminal: {}", e.kind())))?;
    Ok(Zeroizing::new(answer.trim_end_matches(['\r', '\n']).to_owned()))
}

/// While it lives, the terminal does not show what is typed.
struct Hidden {
    terminal: File,
    before: Termios,
}

impl Hidden {
    fn begin(terminal: &File) -> Result<Self> {
        let cannot = |_| Failure::unusable("the terminal cannot hide what is typed");
        let before = tcgetattr(terminal).map_err(cannot)?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        hidden.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(terminal, OptionalActions::Flush, &hidden).map_err(cannot)?;
        let terminal = terminal.try_clone().map_err(|e| Failure::unusable(e.kind().to_string()))?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
    }
}
