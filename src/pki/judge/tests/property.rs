//! What holds of every bundle.

use super::*;
use crate::pki::testing::{certificates, hierarchy};
use crate::pki::{Bundle, CaCerts, Format, roots};
use proptest::prelude::*;
use std::sync::LazyLock;

/// Hierarchies of several heights, and a root that is none of theirs.
static MADE: LazyLock<Vec<Vec<Ca>>> = LazyLock::new(|| (0..4).map(hierarchy).collect());
static OTHER: LazyLock<Certificate> = LazyLock::new(|| Ca::root(Spec::ca("other")).certificate);

fn composed(path: &[Ca], live: &[Certificate], root_in_chain: bool, format: Format) -> Files {
    let mut all = certificates(path);
    let chain = Chain::assemble(all.remove(0), all).unwrap();
    let wanted = [chain.root().clone(), OTHER.clone()];
    let roots = roots::merge(live, &wanted[..1 + live.len().min(1)]);
    let bundle = Bundle::new(chain, roots, root_in_chain, format).unwrap();
    let files = CaCerts::new(bundle, &path[0].key).unwrap().files();
    let bytes = files
        .into_iter()
        .map(|(name, file)| (name.to_owned(), file.expose().as_bytes().to_vec()));
    bytes.collect()
}

proptest! {
    #[test]
    fn what_is_composed_of_sound_parts_is_never_refused(
        height in 0_usize..4,
        further in any::<bool>(),
        root_in_chain in any::<bool>(),
        tls in any::<bool>(),
        hour in 0..90 * 24_i64,
    ) {
        let format = Format::ALL[usize::from(tls)];
        let live = if further { vec![OTHER.clone()] } else { vec![] };
        let bundle = composed(&MADE[height], &live, root_in_chain, format);
        let now = at(0) + jiff::SignedDuration::from_hours(hour);
        prop_assert_eq!(judge(&bundle, None, now), []);
        prop_assert_eq!(judge(&bundle, Some(&bundle), now), []);
    }

    #[test]
    fn no_byte_that_is_changed_makes_it_panic(
        height in 0_usize..3,
        file in 0_usize..4,
        at in any::<usize>(),
        with in any::<u8>(),
        cut in any::<bool>(),
    ) {
        let mut bundle = files(&MADE[height]);
        let sound = bundle.clone();
        let data = bundle.values_mut().nth(file).unwrap();
        let at = at % data.len();
        if cut {
            data.truncate(at);
        } else {
            data[at] = with;
        }
        judge(&bundle, Some(&sound), now());
        judge(&sound, Some(&bundle), now());
    }

    /// Changes within what is signed, signed anew: what the parsers of DER see of mutations.
    #[test]
    fn no_certificate_makes_it_panic(
        index in 0_usize..3,
        at in any::<usize>(),
        with in any::<u8>(),
    ) {
        let path = &MADE[1];
        let certificate = &path[index].certificate;
        let der = forged(certificate, &path[(index + 1).min(2)].key, |tbs| {
            let mut tbs = tbs.to_vec();
            let at = at % tbs.len();
            tbs[at] = with;
            tbs
        });
        judge(&with_forged(path, index, &der), None, now());
    }

    #[test]
    fn no_files_make_it_panic(
        files in prop::collection::btree_map(
            "ca-cert.pem|ca-key.pem|cert-chain.pem|root-cert.pem|tls.crt|tls.key|ca.crt|ca-crl.pem|x",
            prop::collection::vec(any::<u8>(), 0..50),
            0..8,
        ),
        second in any::<i64>(),
    ) {
        let now = Timestamp::from_second(second % 200_000_000_000).unwrap();
        let refuses = judge(&files, Some(&files), now).iter().any(Finding::refuses);
        prop_assert!(refuses);
    }
}

#[test]
fn every_moment_can_be_judged() {
    let bundle = files(&MADE[0]);
    for now in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
        assert!(
            judge(&bundle, Some(&bundle), now)
                .iter()
                .all(Finding::refuses)
        );
    }
}
