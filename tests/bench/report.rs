//! The figures beside their aims, and where the CPU goes.

use crate::stand::Stand;
use crate::table::{Table, median, percentile};
use crate::{Loaded, Trio, cryptography};

fn middle<T>(all: &[T], figure: impl Fn(&T) -> f64) -> f64 {
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
    for (number, name) in cryptography::PARTS.iter().enumerate() {
        row(&format!("  {name}"), middle(trios, |t| t.alone.parts[number]));
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
    table.row("grants in a commit", format!("{:.1}", of(|t| t.full.grants() / t.full.commits)), "");
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
