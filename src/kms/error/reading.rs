//! What AWS says in its messages only.

/// A state in which nothing can be done with a key (KMS Developer Guide, Key states).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// On its way to be deleted for good: it can be saved still.
    PendingDeletion,
    /// The same, once its replicas are gone.
    PendingReplicaDeletion,
    /// Its imported material is not there, or has expired.
    PendingImport,
    /// The key store that holds it is disconnected.
    Unavailable,
    /// A replica in the making.
    Creating,
    /// Its primary region is changing.
    Updating,
    /// AWS does not say.
    Unsaid,
}

/// Who was kept from using a key, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// ARN of who asked, where AWS says it.
    pub by: Option<String>,
    /// Whether a policy denies it, rather than none allowing it.
    pub explicit: bool,
    /// The kind of the policy that denies it or lacks a statement, in AWS's words: `identity-based policy`,
    /// `resource-based policy` (the key's own, and its grants), `service control policy` …
    pub policy: Option<String>,
}

impl KeyState {
    pub(super) fn read(message: &str) -> Self {
        // Before it stands the key's name, which may say anything.
        let said = message.rsplit_once(" is ").map_or("", |(_, said)| said);
        let squeezed: String = said
            .chars()
            .filter(char::is_ascii_alphabetic)
            .map(|letter| letter.to_ascii_lowercase())
            .collect();
        let states = [
            ("pendingdeletion", Self::PendingDeletion),
            ("pendingreplicadeletion", Self::PendingReplicaDeletion),
            ("pendingimport", Self::PendingImport),
            ("unavailable", Self::Unavailable),
            ("creating", Self::Creating),
            ("updating", Self::Updating),
        ];
        let found = states
            .into_iter()
            .find(|(words, _)| squeezed.contains(words));
        found.map_or(Self::Unsaid, |(_, state)| state)
    }
}

impl Denial {
    /// Words: IAM User Guide, Troubleshoot access denied error messages.
    pub(super) fn read(message: &str) -> Self {
        let denies = between(message, "with an explicit deny in ", "");
        let lacks = between(message, "because no ", " allows");
        let policy = denies.or(lacks).map(|policy| {
            let policy = policy.trim_start_matches("a ").trim_start_matches("an ");
            // A newer form names the policy's ARN behind its kind.
            let kind = policy.split(':').next().unwrap_or(policy);
            kind.trim_end_matches('.').to_owned()
        });
        let by = between(message, "User: ", " is not authorized");
        Self {
            by: by.map(|arn| arn.trim_matches('"').to_owned()),
            explicit: denies.is_some(),
            policy,
        }
    }
}

/// What stands behind `begin` and before `end`, an empty one being the message's.
fn between<'a>(message: &'a str, begin: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = message.split_once(begin)?;
    match end {
        "" => Some(rest),
        end => rest.split_once(end).map(|(inner, _)| inner),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

    #[test]
    fn a_state_is_read_from_behind_the_keys_name() {
        for (said, state) in [
            ("is pending deletion.", KeyState::PendingDeletion),
            (
                "is pending replica deletion.",
                KeyState::PendingReplicaDeletion,
            ),
            ("is pending import.", KeyState::PendingImport),
            ("is PendingImport", KeyState::PendingImport),
            ("is unavailable.", KeyState::Unavailable),
            ("is creating.", KeyState::Creating),
            ("is updating.", KeyState::Updating),
            ("is in no state for it", KeyState::Unsaid),
            ("", KeyState::Unsaid),
        ] {
            assert_eq!(KeyState::read(&format!("{KEY} {said}")), state, "{said}");
        }
        let named = "arn:aws:kms:eu-west-1:111122223333:alias/pending-import is pending deletion.";
        assert_eq!(KeyState::read(named), KeyState::PendingDeletion);
    }

    #[test]
    fn a_denial_is_read_in_every_form_that_aws_documents() {
        let who = "arn:aws:iam::111122223333:user/ci";
        let began =
            format!("User: {who} is not authorized to perform: kms:Decrypt on resource: {KEY}");
        for (rest, explicit, policy) in [
            (
                " because no identity-based policy allows the kms:Decrypt action",
                false,
                Some("identity-based policy"),
            ),
            (
                " because no resource-based policy allows the kms:Decrypt action",
                false,
                Some("resource-based policy"),
            ),
            (
                " because no VPC endpoint policy allows the kms:Decrypt action",
                false,
                Some("VPC endpoint policy"),
            ),
            (
                " with an explicit deny in a resource-based policy",
                true,
                Some("resource-based policy"),
            ),
            (
                " with an explicit deny in an identity-based policy: arn:aws:iam::111122223333:policy/p",
                true,
                Some("identity-based policy"),
            ),
            ("", false, None),
        ] {
            let denial = Denial::read(&format!("{began}{rest}"));
            let expected = Denial {
                by: Some(who.to_owned()),
                explicit,
                policy: policy.map(str::to_owned),
            };
            assert_eq!(denial, expected, "{rest}");
        }
    }

    #[test]
    fn an_older_denial_says_nothing_of_who_or_why() {
        let words = "The ciphertext refers to a customer master key that does not exist, does not exist in this \
                     region, or you are not allowed to access.";
        let denial = Denial::read(words);
        assert_eq!(
            (denial.by, denial.explicit, denial.policy),
            (None, false, None)
        );
    }
}
