//! What is asked of the service, and what each exchange costs. Every figure here stands in the paper with where it is from.

/// The country.
pub struct Demand {
    pub subjects: f64,
    pub initiators: f64,
    pub tokens_a_year: f64,
    /// The busiest minute over the mean of the year.
    pub peak: f64,
    /// Token checks of owners for each token.
    pub accesses: f64,
    /// Pages of `KDP_PERSONALDATA` for each token.
    pub pages: f64,
    /// Share of tokens for which the subject is asked by SMS.
    pub by_sms: f64,
    /// Repeats of the initiator for each of those, the one that collects included.
    pub repeats: f64,
    /// Years of storage (rules of retention).
    pub years: f64,
    /// Days for which a token is read often.
    pub hot_days: f64,
    /// Followers of the leader.
    pub replicas: f64,
    pub machines: f64,
    pub cores: f64,
}

pub const DEMAND: Demand = Demand {
    subjects: 20e6,
    initiators: 1_000.0,
    tokens_a_year: 50e6,
    peak: 20.0,
    accesses: 3.0,
    pages: 0.2,
    by_sms: 0.3,
    repeats: 4.0,
    years: 5.0,
    hot_days: 60.0,
    replicas: 2.0,
    machines: 7.0,
    cores: 36.0,
};

/// What was measured, and what is assumed of the machines.
pub struct Measured {
    /// Cores of a node, and how much of them is planned for.
    pub node_cores: f64,
    pub node_load: f64,
    /// Round trip between a node and the leader, µs.
    pub round_trip_micros: f64,
    /// Statements that are sent while the end of the journal is held.
    pub held_statements: f64,
    /// The leader's flush of its log, and the answer of the follower in step; µs.
    pub flush_micros: f64,
    pub follower_micros: f64,
}

pub const MEASURED: Measured = Measured {
    node_cores: 4.0,
    node_load: 0.6,
    round_trip_micros: 200.0,
    held_statements: 3.0,
    flush_micros: 1_000.0,
    follower_micros: 1_000.0,
};

impl Measured {
    /// How long a transaction holds the end of its node's journal, µs: nobody else of the node commits meanwhile.
    pub fn held_micros(&self) -> f64 {
        // The commit is a statement too.
        (self.held_statements + 1.0) * self.round_trip_micros + self.flush_micros + self.follower_micros
    }
}

/// Bytes on the disk, with indexes, as `cargo bench --bench exchange -- sizes` finds them.
pub struct Sizes {
    pub token: f64,
    pub access: f64,
    /// Of one record of the journal.
    pub journal: f64,
    pub subject: f64,
}

pub const SIZES: Sizes = Sizes { token: 2_320.0, access: 201.0, journal: 600.0, subject: 194.0 };

/// Kinds of exchanges.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A token by methods 2 to 4.
    Grant,
    /// A subject is asked by SMS.
    Ask,
    /// The jobs of that, behind its answer: the number is found, the SMS sent.
    Jobs,
    /// The subject's answer comes in.
    Reply,
    /// The initiator asks again; one of them collects the token.
    Repeat,
    Check,
    Page,
}

impl Kind {
    pub const ALL: [Self; 7] =
        [Self::Grant, Self::Ask, Self::Jobs, Self::Reply, Self::Repeat, Self::Check, Self::Page];

    /// How many there are for each token.
    pub fn per_token(self) -> f64 {
        match self {
            Self::Grant => 1.0 - DEMAND.by_sms,
            Self::Ask | Self::Jobs | Self::Reply => DEMAND.by_sms,
            Self::Repeat => DEMAND.by_sms * DEMAND.repeats,
            Self::Check => DEMAND.accesses,
            Self::Page => DEMAND.pages,
        }
    }

    /// CPU of a node, µs. Measured: grants, checks, pages.
    pub fn node_micros(self) -> f64 {
        match self {
            Self::Grant => 1_040.0,
            // Two exchanges with ШЭП.
            Self::Jobs => 1_600.0,
            Self::Ask | Self::Reply | Self::Repeat => 800.0,
            Self::Check => 635.0,
            Self::Page => 660.0,
        }
    }

    /// CPU of the leader, µs. Measured: grants, checks, pages.
    pub fn database_micros(self) -> f64 {
        match self {
            Self::Grant | Self::Ask => 940.0,
            Self::Jobs => 2_000.0,
            Self::Reply | Self::Repeat => 700.0,
            Self::Check => 585.0,
            Self::Page => 760.0,
        }
    }

    /// Bytes of the log of the database. Measured: grants, checks, pages.
    pub fn log_bytes(self) -> f64 {
        match self {
            Self::Grant | Self::Ask => 5_464.0,
            Self::Jobs => 8_000.0,
            Self::Reply | Self::Repeat => 3_000.0,
            Self::Check => 1_079.0,
            Self::Page => 698.0,
        }
    }

    /// Whether somebody waits for its answer.
    pub fn is_exchange(self) -> bool {
        self != Self::Jobs
    }

    /// Commits.
    pub fn commits(self) -> u32 {
        match self {
            Self::Jobs => 4,
            _ => 1,
        }
    }

    /// Bytes of its envelopes, ours and theirs.
    pub fn wire_bytes(self) -> f64 {
        match self {
            Self::Grant => 14_000.0,
            Self::Jobs => 28_000.0,
            Self::Page => 20_000.0,
            _ => 12_000.0,
        }
    }
}
