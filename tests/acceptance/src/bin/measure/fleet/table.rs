//! The figures as Markdown.

use std::fmt::Write as _;
use std::time::Duration;

use super::ideal;
use super::options::Options;
use super::place::Where;
use super::round::{Measured, Step};

/// All steps of one stack.
pub(super) struct Stack {
    /// What is in it, and who makes it.
    pub(super) title: String,
    /// Where it goes, if it is ours: then there is an ideal.
    pub(super) place: Option<Where>,
    pub(super) clusters: usize,
    pub(super) steps: Vec<Measured>,
}

const HEAD: &str = "| clusters | step | wall | AWS asked for | ideal | of wall, of asking | provider: CPU, most memory, files | core: CPU, \
                    memory | calls |\n|---|---|---|---|---|---|---|---|---|\n";

/// A table for each place and shape.
pub(super) fn tables(options: &Options, stacks: &[Stack]) -> String {
    let mut text = String::new();
    let mut last = None;
    for stack in stacks {
        if last.replace(&stack.title) != Some(&stack.title) {
            // Writing to a String cannot fail.
            let _ = write!(text, "\n{}\n\n{HEAD}", stack.title);
        }
        for step in &stack.steps {
            let _ = writeln!(text, "{}", line(options, stack, step));
        }
    }
    text
}

fn line(options: &Options, stack: &Stack, measured: &Measured) -> String {
    let Measured {
        step,
        wall,
        asking,
        provider,
        core,
        calls,
    } = measured;
    let ideal = stack
        .place
        .map(|place| ideal::time(options, place, *step, stack.clusters));
    let share = match (*step, ideal) {
        (Step::Apply, Some(ideal)) => {
            let of = |time: &Duration| 100.0 * ideal.as_secs_f64() / time.as_secs_f64();
            format!("{:.0} %, {:.0} %", of(wall), of(asking))
        }
        _ => String::new(),
    };
    let calls: Vec<String> = calls
        .iter()
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    format!(
        "| {} | {} | {} | {} | {} | {share} | {}, {}, {} | {}, {} | {} |",
        stack.clusters,
        step.name(),
        seconds(*wall),
        seconds(*asking),
        ideal.map(seconds).unwrap_or_default(),
        seconds(provider.processor),
        megabytes(provider.memory),
        provider.files,
        seconds(core.processor),
        megabytes(core.memory),
        calls.join(", "),
    )
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes.div_ceil(1_000_000))
}
