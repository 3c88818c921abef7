//! How quick a run could be if nothing but AWS's quotas, its latency and core's parallelism held it.
//!
//! The model, of a walk over so many clusters: a cluster's calls come one after the other, each
//! takes the latency, and so many clusters are served at a time; and no more calls are answered
//! than the quota lets through, of which a second's worth is there at once. The longer of the two
//! counts. Kubernetes, the processor and core itself take no time in it, and neither does the pause
//! before a certificate is asked for again.

use std::time::Duration;

use super::options::Options;
use super::place::{PER_ACCOUNT, Where};
use super::round::Step;

/// IssueCertificate: so many a second.
const ISSUED: f64 = 25.0;

/// DescribeCluster: so many a second, and so many at once.
const DESCRIBED: (f64, f64) = (10.0, 50.0);

/// The time of the walk.
pub(super) fn time(options: &Options, place: Where, step: Step, clusters: usize) -> Duration {
    let described = usize::from(place == Where::Eks);
    let (calls, quota) = match step {
        // The order, each look that is too early, and the one that is not.
        Step::Apply => {
            let looks = options.polls as usize + 1;
            (1 + looks + described, limited(clusters, ISSUED, ISSUED))
        }
        Step::PlanCreate | Step::PlanNothing | Step::Refresh => (described, 0.0),
    };
    let waves = clusters.div_ceil(options.parallelism as usize);
    let latency = options.latency.as_secs_f64() * (waves * calls) as f64;
    let described = match place {
        Where::Eks => limited(clusters.min(PER_ACCOUNT), DESCRIBED.0, DESCRIBED.1),
        Where::Namespaces => 0.0,
    };
    Duration::from_secs_f64(latency.max(quota).max(described))
}

/// How long so many calls take at a quota of `rate` a second, of which `burst` come at once.
fn limited(calls: usize, rate: f64, burst: f64) -> f64 {
    ((calls as f64 - burst) / rate).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(place: Where, step: Step, clusters: usize) -> f64 {
        time(&Options::default(), place, step, clusters).as_secs_f64()
    }

    #[test]
    fn few_clusters_are_held_by_latency_and_many_by_the_quota() {
        // Three calls of 80 ms, in one wave and in five.
        assert_eq!(seconds(Where::Namespaces, Step::Apply, 1), 0.24);
        assert_eq!(seconds(Where::Namespaces, Step::Apply, 50), 1.2);
        // 475 at 25 a second, after the first 25.
        assert_eq!(seconds(Where::Namespaces, Step::Apply, 500), 19.0);
    }

    #[test]
    fn clusters_of_eks_are_described_besides() {
        assert_eq!(seconds(Where::Eks, Step::PlanNothing, 1), 0.08);
        // A hundred in each account: fifty at once and ten a second; the latency is 4 s.
        assert_eq!(seconds(Where::Eks, Step::PlanNothing, 500), 5.0);
        assert_eq!(seconds(Where::Namespaces, Step::Refresh, 500), 0.0);
    }
}
