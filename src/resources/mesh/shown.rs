//! What a pod's gauges say of the CA that it signs with.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::cluster::istiod::{Expiries, Pod, Version};

/// The ends that the gauges of an istiod with a certain bundle show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::resources) struct Ends {
    /// Of the signing certificate.
    pub(in crate::resources) chain: Timestamp,
    /// Of the first of the trust anchors.
    pub(in crate::resources) root: Timestamp,
}

/// What a pod uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::resources) enum Shown {
    /// What was written.
    New,
    /// What was there before.
    Old,
    /// A CA of its own.
    SelfSigned,
    /// Neither.
    Other(Expiries),
    /// Nothing can be concluded.
    Untold(Untold),
}

/// Why nothing can be concluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::resources) enum Untold {
    /// The gauges are as old as the process: releases before 1.24 do not set them when they reload.
    SinceItsStart,
    /// Both bundles end at the same moments.
    SameEnds,
    /// It shows no CA of a Secret, as one would that leaves signing to somebody else, and whether it does that cannot be
    /// seen.
    MaySignElsewhere,
}

/// istio/istio#52466.
const GAUGES_FOLLOW: Version = Version::new(1, 24, 0);

impl Shown {
    /// What the pod uses, after `new` took the place of `old`, if there was anything before.
    pub(in crate::resources) fn by(
        gauges: &Expiries,
        pod: &Pod,
        new: Ends,
        old: Option<Ends>,
    ) -> Self {
        let shown = match (gauges.chain, gauges.root) {
            (Some(chain), Some(root)) => Ends { chain, root },
            (None, _) => return Self::SelfSigned,
            (Some(_), None) => return Self::Other(*gauges),
        };
        if old == Some(new) && shown == new {
            return Self::Untold(Untold::SameEnds);
        }
        if shown == new {
            return Self::New;
        }
        let release = gauges.version.or(pod.version);
        if release.is_none_or(|release| release < GAUGES_FOLLOW) {
            return Self::Untold(Untold::SinceItsStart);
        }
        if old == Some(shown) {
            Self::Old
        } else {
            Self::Other(*gauges)
        }
    }

    /// The same of a pod that may leave signing to somebody else, which cannot be seen.
    pub(in crate::resources) fn if_it_signs(self) -> Self {
        match self {
            Self::SelfSigned => Self::Untold(Untold::MaySignElsewhere),
            other => other,
        }
    }

    /// Whether it may yet become the new one by waiting.
    pub(in crate::resources) fn may_follow(self) -> bool {
        matches!(self, Self::Old | Self::Other(_))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::cluster::istiod::samples;

    fn pod(image: &str) -> Pod {
        samples::pod("istiod-1", |json| {
            json["spec"]["containers"][0]["image"] = json!(image)
        })
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn ends(chain: i64, root: i64) -> Ends {
        let (chain, root) = (at(chain), at(root));
        Ends { chain, root }
    }

    fn gauges(Ends { chain, root }: Ends) -> Expiries {
        Expiries {
            chain: Some(chain),
            root: Some(root),
            version: None,
        }
    }

    #[test]
    fn gauges_are_read_by_what_was_written_and_what_was_before() {
        let (new, old, other) = (ends(300, 900), ends(200, 900), ends(100, 900));
        let modern = pod("istio/pilot:1.24.0");
        let shown = |of| Shown::by(&gauges(of), &modern, new, Some(old));
        assert_eq!(shown(new), Shown::New);
        assert_eq!(shown(old), Shown::Old);
        assert_eq!(shown(other), Shown::Other(gauges(other)));
        assert!(shown(old).may_follow() && !shown(new).may_follow());
    }

    #[test]
    fn an_older_istiod_shows_what_it_started_with() {
        let (new, old) = (ends(300, 900), ends(200, 900));
        let untold = Shown::Untold(Untold::SinceItsStart);
        for (image, expected) in [
            ("istio/pilot:1.23.6", untold),
            ("istio/pilot@sha256:01", untold),
            ("istio/pilot:1.24.0", Shown::Old),
        ] {
            let shown = Shown::by(&gauges(old), &pod(image), new, Some(old));
            assert_eq!(shown, expected, "{image}");
        }
        // Whatever it is, it shows the new one only if it has it.
        let shown = Shown::by(&gauges(new), &pod("istio/pilot:1.20.0"), new, Some(old));
        assert_eq!(shown, Shown::New);
    }

    #[test]
    fn the_program_knows_its_release_better_than_its_image() {
        let (new, old) = (ends(300, 900), ends(200, 900));
        let says = Expiries {
            version: Some(Version::new(1, 29, 0)),
            ..gauges(old)
        };
        let shown = Shown::by(&says, &pod("istio/pilot@sha256:01"), new, Some(old));
        assert_eq!(shown, Shown::Old);
    }

    #[test]
    fn bundles_that_end_alike_are_not_told_apart() {
        let same = ends(300, 900);
        let shown = Shown::by(&gauges(same), &pod("istio/pilot:1.31.0"), same, Some(same));
        assert_eq!(shown, Shown::Untold(Untold::SameEnds));
        let first = Shown::by(&gauges(same), &pod("istio/pilot:1.31.0"), same, None);
        assert_eq!(first, Shown::New);
    }

    #[test]
    fn an_istiod_that_signs_by_itself_has_no_chain() {
        let root_only = Expiries {
            root: Some(at(900)),
            ..Expiries::default()
        };
        for gauges in [Expiries::default(), root_only] {
            let shown = Shown::by(&gauges, &pod("istio/pilot:1.31.0"), ends(300, 900), None);
            assert_eq!(shown, Shown::SelfSigned);
            let untold = Shown::Untold(Untold::MaySignElsewhere);
            assert_eq!(shown.if_it_signs(), untold);
        }
        assert_eq!(Shown::Old.if_it_signs(), Shown::Old);
        assert_eq!(Shown::New.if_it_signs(), Shown::New);
    }

    proptest! {
        #[test]
        fn new_is_said_of_the_new_ends_and_of_no_others(
            chain in 1i64..4, root in 1i64..4, minor in 18u16..35, new in (1i64..4, 1i64..4), old in (1i64..4, 1i64..4),
        ) {
            let pod = pod(&format!("istio/pilot:1.{minor}.0"));
            let (new, old) = (ends(new.0, new.1), ends(old.0, old.1));
            let shown = Shown::by(&gauges(ends(chain, root)), &pod, new, Some(old));
            prop_assert_eq!(shown == Shown::New, ends(chain, root) == new && new != old);
        }
    }
}
