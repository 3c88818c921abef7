//! Figures beside their goals.

use std::fmt::Write as _;
use std::time::Duration;

/// What is to be kept.
#[derive(Clone, Copy)]
pub(super) enum Goal {
    /// The median, at most.
    Milliseconds(u64),
    /// Of a million bytes, at most.
    Megabytes(u64),
    /// Only told.
    None,
}

/// One line of the table.
pub(super) struct Figure {
    what: &'static str,
    measured: String,
    goal: Goal,
    good: bool,
}

impl Figure {
    /// Of many runs; the median counts.
    pub(super) fn time(what: &'static str, mut runs: Vec<Duration>, goal: Goal) -> Self {
        runs.sort_unstable();
        let best = runs.first().copied().unwrap_or_default();
        let median = runs.get(runs.len() / 2).copied().unwrap_or_default();
        let shown = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1000.0);
        let good = match goal {
            Goal::Milliseconds(most) => median <= Duration::from_millis(most),
            Goal::Megabytes(_) | Goal::None => true,
        };
        let measured = format!(
            "{} (best {}, {} runs)",
            shown(median),
            shown(best),
            runs.len()
        );
        Self {
            what,
            measured,
            goal,
            good,
        }
    }

    /// Of a file or of memory, in bytes.
    pub(super) fn size(what: &'static str, bytes: u64, goal: Goal) -> Self {
        let good = match goal {
            Goal::Megabytes(most) => bytes <= most * MEGABYTE,
            Goal::Milliseconds(_) | Goal::None => true,
        };
        let (whole, tenth) = (bytes / MEGABYTE, bytes % MEGABYTE / (MEGABYTE / 10));
        Self {
            what,
            measured: format!("{whole}.{tenth} MB"),
            goal,
            good,
        }
    }

    /// Whether the goal is kept.
    pub(super) fn is_good(&self) -> bool {
        self.good
    }
}

const MEGABYTE: u64 = 1_000_000;

/// The figures as a table in Markdown.
pub(super) fn table(figures: &[Figure]) -> String {
    let mut table = "| | measured | goal | |\n|---|---|---|---|\n".to_owned();
    for Figure {
        what,
        measured,
        goal,
        good,
    } in figures
    {
        let goal = match goal {
            Goal::Milliseconds(most) => format!("≤ {most} ms"),
            Goal::Megabytes(most) => format!("≤ {most} MB"),
            Goal::None => String::new(),
        };
        let verdict = if *good { "" } else { "MISSED" };
        // Writing to a String cannot fail.
        let _ = writeln!(table, "| {what} | {measured} | {goal} | {verdict} |");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_what_counts() {
        let runs = [9, 30, 8, 11, 7].map(Duration::from_millis).to_vec();
        let figure = |most| Figure::time("start", runs.clone(), Goal::Milliseconds(most));
        assert!(figure(9).is_good() && !figure(8).is_good());
        let line = "| start | 9.0 ms (best 7.0 ms, 5 runs) | ≤ 8 ms | MISSED |\n";
        assert!(
            table(&[figure(8)]).ends_with(line),
            "{}",
            table(&[figure(8)])
        );
    }

    #[test]
    fn a_size_is_told_in_millions_of_bytes() {
        let figure = |bytes| Figure::size("binary", bytes, Goal::Megabytes(14));
        assert!(figure(14_000_000).is_good() && !figure(14_000_001).is_good());
        assert!(table(&[figure(9_876_543)]).contains("| 9.8 MB |"));
    }
}
