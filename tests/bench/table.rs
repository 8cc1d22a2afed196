//! The table of figures, and the few figures that are made of many.

use std::time::Duration;

/// Rows in groups, printed with their columns aligned.
#[derive(Default)]
pub struct Table {
    rows: Vec<[String; 3]>,
}

impl Table {
    pub fn group(&mut self, title: &str) {
        self.rows.push([String::new(), String::new(), String::new()]);
        self.rows.push([title.to_owned(), String::new(), String::new()]);
    }

    /// A figure; `aim` is empty where nothing is aimed at.
    pub fn row(&mut self, name: &str, figure: String, aim: &str) {
        self.rows.push([format!("  {name}"), figure, aim.to_owned()]);
    }

    pub fn print(&self) {
        println!("\n{:52}{:>16}   aim", "", "measured");
        for [name, figure, aim] in &self.rows {
            let line = format!("{name:52}{figure:>16}   {aim}");
            println!("{}", line.trim_end());
        }
    }
}

/// The middle of `values`; 0 of none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match (sorted.get(sorted.len() / 2), sorted.len() % 2) {
        (Some(upper), 0) => f64::midpoint(*upper, sorted[sorted.len() / 2 - 1]),
        (Some(middle), _) => *middle,
        (None, _) => 0.0,
    }
}

/// Milliseconds that a `share` of the sorted `latencies` do not exceed.
pub fn percentile(latencies: &[Duration], share: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
    let count = (latencies.len() as f64 * share).ceil() as usize;
    latencies.get(count.saturating_sub(1)).map_or(0.0, |latency| latency.as_secs_f64() * 1e3)
}

pub fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
