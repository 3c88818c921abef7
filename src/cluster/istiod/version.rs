//! Which Istio an image is of.

use std::fmt;

/// A release of Istio. Pre-releases are none: what they do is neither that of the release before nor of the one
/// after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u16,
    minor: u16,
    patch: u16,
}

impl Version {
    /// The release of these three numbers.
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self {
            major,
            minor,
            patch,
        }
    }

    /// The release that an image's reference names in its tag, such as `docker.io/istio/pilot:1.24.3-distroless`.
    /// A digest alone tells nothing.
    pub(super) fn of_image(image: &str) -> Option<Self> {
        let named = image.split('@').next().unwrap_or_default();
        // A colon before the last slash belongs to the registry's port.
        let last = named.rsplit('/').next().unwrap_or_default();
        Self::of_tag(last.split_once(':')?.1)
    }

    /// The release that a tag names: three numbers, then nothing or a vendor's flavour such as `-distroless` or
    /// `-tetratefips-v0`.
    pub(super) fn of_tag(tag: &str) -> Option<Self> {
        let tag = tag.strip_prefix('v').unwrap_or(tag);
        let (numbers, flavour) = tag.split_once(['-', '+', '_']).unwrap_or((tag, ""));
        if PRE_RELEASES.iter().any(|word| flavour.starts_with(word)) {
            return None;
        }
        let mut numbers = numbers.split('.');
        let mut number = || digits(numbers.next()?);
        let version = Self::new(number()?, number()?, number()?);
        numbers.next().is_none().then_some(version)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            major,
            minor,
            patch,
        } = self;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// How Istio names what is not released yet.
const PRE_RELEASES: [&str; 4] = ["alpha", "beta", "rc", "dev"];

/// `u16::from_str` would also take a sign.
fn digits(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_tag_of_an_image_names_the_release() {
        for (image, version) in [
            ("docker.io/istio/pilot:1.24.3", "1.24.3"),
            ("istio/pilot:1.31.0-distroless", "1.31.0"),
            (
                "registry.example.com:5000/istio/pilot:1.20.0-debug",
                "1.20.0",
            ),
            (
                "containers.istio.tetratelabs.com/pilot:1.20.8-tetratefips-v0",
                "1.20.8",
            ),
            (
                "gcr.io/istio-release/pilot:1.29.3@sha256:0123456789abcdef",
                "1.29.3",
            ),
            ("pilot:v1.9.10", "1.9.10"),
        ] {
            let read = Version::of_image(image).map(|it| it.to_string());
            assert_eq!(read.as_deref(), Some(version), "{image}");
        }
    }

    #[test]
    fn what_names_no_release_tells_nothing() {
        for image in [
            "",
            "istio/pilot",
            "istio/pilot@sha256:0123",
            "registry.example.com:5000/istio/pilot",
            "istio/pilot:latest",
            "istio/pilot:1.24",
            "istio/pilot:1.24.3.4",
            "istio/pilot:1.24-alpha.0123abcd",
            "istio/pilot:1.27.0-rc.1",
            "istio/pilot:1.27.0-beta.0-distroless",
            "istio/pilot:1.+7.0",
            "istio/pilot:1..0",
            "istio/pilot:1.70000.0",
            "istio/pilot:2026-01-01",
        ] {
            assert_eq!(Version::of_image(image), None, "{image}");
        }
    }

    #[test]
    fn releases_are_ordered_by_number_and_not_by_text() {
        assert!(Version::new(1, 9, 10) < Version::new(1, 20, 0));
        assert!(Version::new(1, 24, 10) > Version::new(1, 24, 9));
    }

    proptest! {
        #[test]
        fn a_release_is_read_as_it_is_shown(major: u16, minor: u16, patch: u16, flavour in "(-distroless|-debug)?") {
            let version = Version::new(major, minor, patch);
            prop_assert_eq!(Version::of_image(&format!("istio/pilot:{version}{flavour}")), Some(version));
        }

        #[test]
        fn no_reference_makes_reading_panic(image: String) {
            let _ = Version::of_image(&image);
        }
    }
}
