//! How far a move is: a bar on a terminal, a line for each table on anything else.

use crate::cli::say;
use kdp::store::transfer::{Phase, Progress};
use std::io::{IsTerminal as _, Write as _};

/// Signs of the bar.
const WIDTH: u8 = 30;

/// What was shown of it.
#[derive(Default)]
pub struct Bar {
    /// The bar stands in the line of now.
    drawn: bool,
    told: Option<(Phase, u64)>,
}

impl Bar {
    /// Shows it, if it changed.
    pub fn show(&mut self, progress: &Progress) {
        let Progress { phase, table, is_end, done, whole } = *progress;
        if self.told.replace((phase, done)) == Some((phase, done)) {
            return;
        }
        let verb = match phase {
            Phase::Resumed => {
                return say(&format!("the move goes on: {done} of {whole} rows are there already"));
            }
            Phase::Copying => "copied",
            Phase::Comparing => "compared",
        };
        let mut terminal = std::io::stderr();
        if terminal.is_terminal() {
            let full = (done * u64::from(WIDTH)).checked_div(whole).and_then(|full| u8::try_from(full).ok());
            let full = usize::from(full.unwrap_or(WIDTH).min(WIDTH));
            self.drawn = true;
            let (full, rest) = ("#".repeat(full), ".".repeat(usize::from(WIDTH) - full));
            let _ = write!(terminal, "\rkdp: {verb} [{full}{rest}] {done} of {whole} rows, {table}\x1b[K");
        } else if is_end {
            say(&format!("{verb} {table}: {done} of {whole} rows"));
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if self.drawn {
            let _ = writeln!(std::io::stderr());
        }
    }
}
