//! What to measure, from the command line.

use std::time::Duration;

use super::super::Failure;
use super::configuration::Shape;
use super::place::Where;

/// Every option has its default.
#[derive(Debug, PartialEq)]
pub(super) struct Options {
    /// How many clusters are in the stack.
    pub(super) clusters: Vec<usize>,
    /// Core's `-parallelism`.
    pub(super) parallelism: u32,
    /// What each call of AWS takes, there and back.
    pub(super) latency: Duration,
    /// How often GetCertificate says that the certificate is still being made.
    pub(super) polls: u32,
    /// Where the Secrets go.
    pub(super) places: Vec<Where>,
    /// How the certificates come into them.
    pub(super) shapes: Vec<Shape>,
    /// Other providers to do the same work with, by name.
    pub(super) peers: Vec<String>,
}

impl Default for Options {
    /// What the goals are stated for.
    fn default() -> Self {
        Self {
            clusters: vec![1, 50, 500],
            parallelism: 10,
            latency: Duration::from_millis(80),
            polls: 1,
            places: vec![Where::Namespaces, Where::Eks],
            shapes: vec![Shape::Intermediate, Shape::Issuing],
            peers: Vec::new(),
        }
    }
}

impl Options {
    /// Reads pairs of `--name value`; lists are separated by commas.
    pub(super) fn read(arguments: &[String]) -> Result<Self, Failure> {
        let mut options = Self::default();
        for pair in arguments.chunks(2) {
            let [name, value] = pair else {
                return Err(format!("{} needs a value", pair[0]).into());
            };
            let list = || value.split(',').filter(|word| !word.is_empty());
            match name.as_str() {
                "--clusters" => {
                    options.clusters = list().map(str::parse).collect::<Result<_, _>>()?
                }
                "--parallelism" => options.parallelism = value.parse()?,
                "--latency" => options.latency = Duration::from_millis(value.parse()?),
                "--polls" => options.polls = value.parse()?,
                "--places" => {
                    options.places = list().map(Where::named).collect::<Result<_, _>>()?
                }
                "--shapes" => {
                    options.shapes = list().map(Shape::named).collect::<Result<_, _>>()?
                }
                "--peers" => options.peers = list().map(str::to_owned).collect(),
                _ => return Err(format!("{name} is no option: {KNOWN}").into()),
            }
        }
        Ok(options)
    }
}

const KNOWN: &str = "--clusters 1,50,500 --parallelism 10 --latency 80 (milliseconds) --polls 1 \
                     --places namespaces,eks --shapes intermediate,issuing (or flat) --peers tls,time,kubernetes,aws";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Options, Failure> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::read(&words)
    }

    #[test]
    fn what_is_not_said_is_as_the_goals_are_stated() {
        let options = read("--clusters 7,70 --places eks").unwrap();
        let expected = Options {
            clusters: vec![7, 70],
            places: vec![Where::Eks],
            ..Options::default()
        };
        assert_eq!(options, expected);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for line in [
            "--clusters",
            "--clusters many",
            "--cluster 1",
            "--places moon",
        ] {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
