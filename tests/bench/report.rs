//! The figures beside their aims, and where the CPU goes.

use crate::round::Loaded;
use crate::speed::{Checked, Trio};
use crate::stand::Stand;
use crate::table::{Table, median, percentile};

pub fn middle<T>(all: &[T], figure: impl Fn(&T) -> f64) -> f64 {
    median(&all.iter().map(figure).collect::<Vec<_>>())
}

/// Grants a second at full speed with a disk that is waited for.
pub fn saturation(trios: &[Trio]) -> f64 {
    middle(trios, |t| t.full.rate())
}

pub fn cost(table: &mut Table, trios: &[Trio]) {
    let of = |figure: fn(&Trio) -> f64| middle(trios, figure);
    table.group("CPU of one grant, method 2, at full speed");
    table.row("grant ÷ its cryptography", format!("{:.2}", of(|t| t.full.cpu() / t.alone.total())), "≤ 1.40");
    let mut row = |name: &str, figure: f64| table.row(name, format!("{figure:.0} µs"), "");
    row("grant, all of the server", of(|t| t.full.cpu()));
    row("cryptography alone, in a loop", of(|t| t.alone.total()));
    for (number, (name, _)) in trios.iter().flat_map(|t| t.alone.parts.iter().enumerate()).take(4) {
        row(&format!("  {name}"), middle(trios, |t| t.alone.parts[number].1));
    }
    row("the rest", of(|t| t.full.cpu() - t.alone.total()));
    let writer = |t: &Trio| t.full.each(t.full.server.writer_user + t.full.server.writer_kernel);
    row("  writing thread: SQLite", of(|t| t.full.each(t.full.server.writer_user)));
    row("  writing thread: kernel (files, disk)", of(|t| t.full.each(t.full.server.writer_kernel)));
    row("  others: kernel (sockets, log, waking)", of(|t| t.full.each(t.full.server.others_kernel)));
    let own =
        |t: &Trio| t.full.cpu() - t.alone.total() - writer(t) - t.full.each(t.full.server.others_kernel);
    row("  others: XML, checks, tokens, HTTP", middle(trios, own));
    row("grant with synchronous = off", of(|t| t.off.cpu()));
    row("load generator, for a grant", of(|t| t.full.each(t.full.round.loader)));
    table.row("grants in a commit", format!("{:.1}", of(|t| t.full.exchanges() / t.full.commits)), "");
}

pub fn disk(table: &mut Table, trios: &[Trio]) {
    let others = |t: &Trio| t.full.others.max(t.off.others);
    table.group(&format!("durable grants, median of {} interleaved rounds", trios.len()));
    let ratio = |t: &Trio| t.full.rate() / t.off.rate();
    table.row("full ÷ off", format!("{:.2}", middle(trios, ratio)), "≥ 0.85");
    table.row("synchronous = full", format!("{:.0} /s", saturation(trios)), "");
    table.row("synchronous = off", format!("{:.0} /s", middle(trios, |t| t.off.rate())), "");
    table.row("cores that other programs used", format!("{:.2}", middle(trios, others)), "");
    if let Some(quiet) = trios.iter().min_by(|a, b| others(a).total_cmp(&others(b))) {
        table.row("full ÷ off in the quietest round", format!("{:.2}", ratio(quiet)), "");
        table.row("  cores that others used then", format!("{:.2}", others(quiet)), "");
    }
}

pub fn latency(table: &mut Table, paced: &[Loaded]) {
    table.group(&format!("latency at half of that load, paced, median of {} rounds", paced.len()));
    let at = |share: f64| move |loaded: &Loaded| percentile(&loaded.round.latencies, share);
    let mut row = |name: &str, figure: f64, aim: &str| table.row(name, format!("{figure:.1} ms"), aim);
    row("p99", middle(paced, at(0.99)), "≤ 25 ms");
    row("p50", middle(paced, at(0.50)), "");
    row("p99.9", middle(paced, at(0.999)), "");
    let quiet = paced.iter().min_by(|a, b| a.others.total_cmp(&b.others));
    if let Some(quiet) = quiet {
        row("p99 in the quietest round", at(0.99)(quiet), "");
    }
    table.row("rate", format!("{:.0} /s", middle(paced, Loaded::rate)), "");
    table.row("cores that other programs used", format!("{:.2}", middle(paced, |l| l.others)), "");
    table.row("  in the quietest round", format!("{:.2}", quiet.map_or(0.0, |l| l.others)), "");
}

pub fn check(table: &mut Table, rounds: &[Checked], paced: &[Loaded]) {
    let of = |figure: fn(&Checked) -> f64| middle(rounds, figure);
    table.group("CPU of one token check, by the token itself, at full speed");
    let ratio = of(|c| c.check.cpu() / c.alone.total());
    table.row("check ÷ the cryptography of its envelopes", format!("{ratio:.2}"), "≤ 1.20");
    let mut row = |name: &str, figure: f64| table.row(name, format!("{figure:.0} µs"), "");
    row("check, all of the server", of(|c| c.check.cpu()));
    row("cryptography alone, in a loop", of(|c| c.alone.total()));
    row("  verify the envelope", of(|c| c.alone.parts[0].1));
    row("  sign the answer", of(|c| c.alone.parts[1].1));
    row("the rest", of(|c| c.check.cpu() - c.alone.total()));
    row("  sign the receipt (ES256), in a loop", of(|c| c.receipt.total()));
    row("  writing thread: SQLite", of(|c| c.check.each(c.check.server.writer_user)));
    row("  writing thread: kernel (files, disk)", of(|c| c.check.each(c.check.server.writer_kernel)));
    row("  others: kernel (sockets, log, waking)", of(|c| c.check.each(c.check.server.others_kernel)));
    let own = |c: &Checked| c.check.each(c.check.server.others_user) - c.alone.total() - c.receipt.total();
    row("  others: XML, tokens, HTTP", middle(rounds, own));
    row("an exchange refused for its data", of(|c| c.incomplete.cpu()));
    row("check − such an exchange", of(|c| c.check.cpu() - c.incomplete.cpu()));
    table.row("checks in a commit", format!("{:.1}", of(|c| c.check.exchanges() / c.check.commits)), "");
    table.row("checks at full speed", format!("{:.0} /s", of(|c| c.check.rate())), "");
    table.row("cores that other programs used", format!("{:.2}", of(|c| c.check.others)), "");
    latency(table, paced);
}

pub fn memory(table: &mut Table, stand: &Stand, started: u64, grants: usize, last: Option<&Loaded>) {
    let mib = |bytes: u64| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20));
    table.group("resident memory of the server");
    table.row("after start", mib(started), "≤ 40 MiB");
    table.row(&format!("after {grants} grants"), mib(stand.process().memory()), "≤ 100 MiB");
    table.row("at its highest", mib(stand.process().highest_memory()), "");
    table.row("database and its log, on disk", mib(stand.database_bytes()), "");
    if let Some(last) = last {
        table.row("CPU of one of the last grants", format!("{:.0} µs", last.cpu()), "");
    }
}

pub fn start(table: &mut Table, milliseconds: &[f64]) {
    let of = |pick: fn(f64, f64) -> f64| milliseconds.iter().copied().reduce(pick).unwrap_or_default();
    table.group("start of the sandbox on data that it made before");
    table.row("until `ready`, median", format!("{:.0} ms", median(milliseconds)), "≤ 1000 ms");
    let range = format!("{:.0}–{:.0} ms", of(f64::min), of(f64::max));
    table.row(&format!("fastest and slowest of {}", milliseconds.len()), range, "");
}
