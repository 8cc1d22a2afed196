//! A grown database beside an almost empty one: what the size costs an exchange, and the sweep.

mod compare;
mod due;
mod fill;
mod multiply;
mod office;
mod rows;
mod sample;
mod sweep;

use crate::installation::{Engine, Installation};
use crate::table::Table;
use fill::Fill;
use std::path::{Path, PathBuf};

/// Tokens of the small database: few, but with pages as long as those of the large one.
const SMALL: usize = 5_000;

#[derive(clap::Args)]
pub struct Options {
    /// On `PostgreSQL` (Debian: postgresql-15), whose servers it starts itself
    #[arg(long, conflicts_with = "on")]
    postgres: bool,
    #[arg(long, help = "Tokens of the large database [default: 5000000; on PostgreSQL 20000000]")]
    tokens: Option<usize>,
    #[arg(long, help = "Accesses for each token [default: 1; on PostgreSQL 3]")]
    accesses: Option<usize>,
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
            let made = Installation::make(self.engine(), directory);
            self.fill(made, self.tokens(self.engine()));
            println!("made: {}", directory.display());
            return;
        }
        let large = match &self.on {
            Some(directory) => Installation::at(directory),
            None => self.fill(Installation::temporary_on(self.engine(), place), self.tokens(self.engine())),
        };
        let engine = large.engine();
        let small = self.fill(Installation::temporary_on(engine, place), SMALL);
        let mut table = Table::default();
        sample::describe(&mut table, &large);
        let (small, large) = compare::measure(&mut table, self, small, large);
        match engine {
            Engine::File => sweep::measure(&mut table, &small, &large),
            Engine::Server => due::measure(&mut table, &large),
        }
        table.print();
    }

    fn engine(&self) -> Engine {
        if self.postgres { Engine::Server } else { Engine::File }
    }

    fn tokens(&self, engine: Engine) -> usize {
        self.tokens.unwrap_or(match engine {
            Engine::File => 5_000_000,
            Engine::Server => 20_000_000,
        })
    }

    /// Fills a new installation with so many tokens.
    fn fill(&self, mut installation: Installation, tokens: usize) -> Installation {
        let engine = installation.engine();
        let (originals, accesses) = match engine {
            Engine::File => (tokens, 1),
            Engine::Server => (tokens.min(multiply::ORIGINALS), 3),
        };
        multiply::leave_room(&installation, tokens / originals);
        fill::fill(&installation, Fill::of(originals, self.accesses.unwrap_or(accesses), engine));
        multiply::multiply(&mut installation);
        installation
    }
}
