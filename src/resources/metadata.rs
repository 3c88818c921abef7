//! Labels and annotations that a user writes, judged before they are sent.

use std::collections::BTreeMap;

use crate::cluster::secret::{BadMetadata, check_annotation, check_label};
use crate::terraform::Diagnostic;
use crate::terraform::schema::Partial;

/// What is wrong with a setting that holds labels; silent while it is unknown.
pub(crate) fn labels(settings: &Partial<'_>, name: &'static str) -> Vec<Diagnostic> {
    judged(settings, name, check_label)
}

/// What is wrong with a setting that holds annotations; silent while it is unknown.
pub(crate) fn annotations(settings: &Partial<'_>, name: &'static str) -> Vec<Diagnostic> {
    judged(settings, name, |key, _| check_annotation(key))
}

fn judged(
    settings: &Partial<'_>,
    name: &'static str,
    check: fn(&str, &str) -> Result<(), BadMetadata>,
) -> Vec<Diagnostic> {
    let written: BTreeMap<String, String> = settings.read(name).unwrap_or_default();
    let told = written.iter().filter_map(|(key, value)| {
        let problem = check(key, value).err()?;
        let detail = format!(
            "{problem}.\n\nThe cluster would refuse the Secret, so nothing is issued or written. Correct `{name}`."
        );
        let place = settings.path(name).key(key.as_str());
        Some(Diagnostic::error(format!("Invalid {name}"), detail).at(place))
    });
    told.collect()
}
