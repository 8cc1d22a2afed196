//! A country on paper: what twenty million subjects, a thousand initiators and fifty million tokens a year ask of nodes,
//! database, disks and wires. Formulas first, then a simulation of the hours that matter. The output stands in
//! `deploy/capacity.md`, which `tests/capacity.rs` holds against it; the same seed gives the same output.

mod demand;
mod queue;
mod scenario;

use demand::{DEMAND, Kind, MEASURED, SIZES};
use scenario::SCENARIOS;
use std::fmt::Write as _;

const SECONDS_OF_YEAR: f64 = 365.0 * 86_400.0;
const GIB: f64 = (1_u64 << 30) as f64;

/// The two blocks of the paper: its formulas with their numbers, and what the simulation found.
pub struct Paper {
    pub formulas: String,
    pub simulation: String,
}

impl Paper {
    pub fn write() -> Self {
        Self { formulas: formulas(), simulation: simulation() }
    }
}

fn formulas() -> String {
    let mut text = String::new();
    let mut line = |name: &str, formula: &str, value: String| {
        writeln!(text, "{name:34}{formula:58}{value:>14}").expect("a text");
    };
    let tokens = DEMAND.tokens_a_year / SECONDS_OF_YEAR;
    let peak = tokens * DEMAND.peak;
    let each: f64 = Kind::ALL.iter().filter(|kind| kind.is_exchange()).map(|kind| kind.per_token()).sum();
    let commits: f64 = Kind::ALL.iter().map(|kind| kind.per_token() * f64::from(kind.commits())).sum();
    let sum =
        |cost: fn(Kind) -> f64| Kind::ALL.iter().map(|kind| kind.per_token() * cost(*kind)).sum::<f64>();
    let (node, database) = (sum(Kind::node_micros) / 1e6, sum(Kind::database_micros) / 1e6);
    line("tokens, mean", "50 million ÷ 31.5 million seconds", format!("{tokens:.2} /s"));
    line("tokens, peak", "× 20", format!("{peak:.1} /s"));
    line(
        "tokens of one initiator, mean",
        "÷ 1 000 initiators",
        format!("{:.0} /day", tokens * 86_400.0 / DEMAND.initiators),
    );
    line("exchanges of a token", "asks, repeats, replies, checks, pages", format!("{each:.2}"));
    line("exchanges, mean", "", format!("{:.1} /s", tokens * each));
    line("exchanges, peak", "", format!("{:.0} /s", peak * each));
    line("commits of a token", "exchanges, and jobs behind SMS", format!("{commits:.2}"));
    line("commits, peak", "", format!("{:.0} /s", peak * commits));
    line(
        "CPU of the nodes, peak",
        "commits and cryptography of a token × tokens a second",
        format!("{:.2} cores", peak * node),
    );
    line("CPU of the leader, peak", "", format!("{:.2} cores", peak * database));
    let most = 1e6 / MEASURED.held_micros();
    line(
        "commits of one node, at most",
        "1 ÷ time for which the end of its journal is held",
        format!("{most:.0} /s"),
    );
    let by_commits = peak * commits / most;
    let by_cpu = peak * node / (MEASURED.node_cores * MEASURED.node_load);
    line("nodes by commits", "commits at the peak ÷ commits of one", format!("{by_commits:.2}"));
    line("nodes by CPU", "cores at the peak ÷ (4 cores × 60 %)", format!("{by_cpu:.2}"));
    line("nodes", "the larger, rounded up, + 1", format!("{:.0}", by_commits.max(by_cpu).ceil() + 1.0));
    let log = sum(Kind::log_bytes);
    line(
        "log of the database, peak",
        "tokens × bytes of the log of one with all of its",
        format!("{:.2} MB/s", peak * log / 1e6),
    );
    line(
        "log of the database, a day",
        "mean, to be archived",
        format!("{:.1} GB", tokens * log * 86_400.0 / 1e9),
    );
    let wire = sum(Kind::wire_bytes);
    line(
        "callers to nodes, peak",
        "bytes of messages and answers",
        format!("{:.1} Mbit/s", peak * wire * 8.0 / 1e6),
    );
    let replicas = peak * log * DEMAND.replicas * 8.0 / 1e6;
    line("leader to its followers, peak", "log × 2 followers", format!("{replicas:.1} Mbit/s"));
    let flushes = (peak * commits).min(1e6 / MEASURED.flush_micros);
    line(
        "flushes of the log, peak",
        "one for each commit: groups form by themselves above",
        format!("{flushes:.0} /s"),
    );
    size(&mut line, commits);
    text
}

/// What is kept, and what all of it takes in machines.
fn size(line: &mut impl FnMut(&str, &str, String), commits: f64) {
    let per_token = SIZES.token + SIZES.journal * commits + SIZES.access * DEMAND.accesses;
    let year = DEMAND.tokens_a_year * per_token / GIB;
    line(
        "bytes of a token with all of its",
        "rows and indexes; journal; accesses",
        format!("{per_token:.0} B"),
    );
    line("database, a year", "", format!("{year:.0} GiB"));
    let subjects = DEMAND.subjects * SIZES.subject / GIB;
    line("subjects", "20 million × bytes of one with its indexes", format!("{subjects:.1} GiB"));
    let years = year * DEMAND.years + subjects;
    line(
        "database after 5 years",
        "years × (1 + 20 % for what is updated and not yet vacuumed)",
        format!("{:.0} GiB", years * 1.2),
    );
    line(
        "disk of each member",
        "÷ 70 %, for the log, sorting and growth",
        format!("{:.1} TiB", years * 1.2 / 0.7 / 1024.0),
    );
    let hot =
        DEMAND.tokens_a_year * DEMAND.hot_days / 365.0 * (SIZES.token + SIZES.access * DEMAND.accesses) / GIB;
    line(
        "what is read again, in memory",
        "tokens and accesses of 60 days, and upper pages of indexes",
        format!("{hot:.0} GiB"),
    );
    line(
        "machine-months a year",
        "(2 nodes + 3 members + 2 balancers) × 12",
        format!("{:.0}", DEMAND.machines * 12.0),
    );
    line("core-months a year", "(2 × 4 + 3 × 8 + 2 × 2) × 12", format!("{:.0}", DEMAND.cores * 12.0));
    let disks = 3.0 * years * 1.2 / 0.7 / 1024.0 * 12.0;
    line("TiB-months a year, fifth year", "3 members × disk × 12", format!("{disks:.0}"));
}

fn simulation() -> String {
    let mut text = String::new();
    writeln!(
        text,
        "{:40}{:>9}{:>8}{:>8}{:>8}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}",
        "",
        "asked/s",
        "nodes",
        "leader",
        "journal",
        "p50 ms",
        "p99 ms",
        "worst s",
        "waiting",
        "refused",
        "given up"
    )
    .expect("a text");
    for scenario in &SCENARIOS {
        let found = scenario.run();
        writeln!(
            text,
            "{:40}{:>9.1}{:>7.0}%{:>7.0}%{:>7.0}%{:>9.1}{:>9.1}{:>9.1}{:>9}{:>8.2}%{:>9}",
            scenario.name,
            found.asked,
            found.nodes * 100.0,
            found.leader * 100.0,
            found.journal * 100.0,
            found.p50,
            found.p99,
            found.worst,
            found.waiting,
            found.refused * 100.0,
            found.given_up,
        )
        .expect("a text");
    }
    text
}
