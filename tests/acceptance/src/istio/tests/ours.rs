//! The provider's judge against Istio itself: what we pass, Istio must be able to use.

use istiopca::pki::judge::{Finding, judge};
use jiff::Timestamp;

use crate::istio::bundles::Files;
use crate::istio::differential::compare;

/// So many bundles are judged, unless `ISTIOPCA_BUNDLES` says otherwise.
const BUNDLES: u64 = 20_000;

/// The bundles are the same ones in each run, unless `ISTIOPCA_SEED` says otherwise.
const SEED: u64 = 20_261_122;

/// What stands against writing the files, by the kind of finding.
fn refused(files: &Files, live: Option<&Files>, now: Timestamp) -> Vec<String> {
    let findings = judge(files, live, now).into_iter();
    let name = |finding: Finding| {
        let told = format!("{finding:?}");
        told.split([' ', '(', '{'])
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    findings.filter(Finding::refuses).map(name).collect()
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().expect("a number"))
}

#[test]
fn nothing_is_passed_that_istio_refuses_or_cannot_use() {
    let seed = number("ISTIOPCA_SEED").unwrap_or(SEED);
    let bundles = number("ISTIOPCA_BUNDLES").unwrap_or(BUNDLES);
    let comparison = compare(seed, bundles, refused).unwrap();
    println!("{comparison}");
    comparison.is_safe();
    // A judge that refuses everything would be as safe as it is useless.
    let usable = comparison.bundles - comparison.neither;
    assert!(comparison.both * 3 > usable, "{comparison}");
}
