//! Five million tokens and accesses beside an almost empty database: what the size costs an exchange, and the sweep.

mod compare;
mod fill;
mod office;
mod sample;
mod sweep;

use crate::installation::Installation;
use crate::table::Table;
use fill::Fill;
use std::path::{Path, PathBuf};

/// Tokens of the small database: few, but with pages as long as those of the large one.
const SMALL: usize = 5_000;

#[derive(clap::Args)]
pub struct Options {
    /// Tokens of the large database; it holds as many accesses
    #[arg(long, default_value_t = 5_000_000)]
    tokens: usize,
    /// Only make the large database, in this new directory, and keep it
    #[arg(long, value_name = "NEW-DIR", conflicts_with = "on")]
    make: Option<PathBuf>,
    /// Measure on a database that --make made
    #[arg(long, value_name = "DIR")]
    on: Option<PathBuf>,
    /// Rounds of each kind of exchange, each on both databases
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Exchanges of a round
    #[arg(long, default_value_t = 1_000)]
    size: usize,
    /// Exchanges a second: a load that waits for nothing but itself
    #[arg(long, default_value_t = 150.0)]
    rate: f64,
}

impl Options {
    /// Makes, measures, or both; what was made for one run is removed after it.
    pub fn run(&self, place: &Path) {
        if let Some(directory) = &self.make {
            fill::fill(Installation::make(directory), Fill::of(self.tokens));
            println!("made: {}", directory.display());
            return;
        }
        let large = match &self.on {
            Some(directory) => Installation::at(directory),
            None => fill::fill(Installation::temporary(place), Fill::of(self.tokens)),
        };
        let small = fill::fill(Installation::temporary(place), Fill::of(SMALL));
        let mut table = Table::default();
        sample::describe(&mut table, &large);
        let (small, large) = compare::measure(&mut table, self, small, large);
        sweep::measure(&mut table, &small, &large);
        table.print();
    }
}
