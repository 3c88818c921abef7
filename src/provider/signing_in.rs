//! Settings of the provider that say how it signs in to AWS, in the vocabulary of hashicorp/aws.
//!
//! What hashicorp/aws has besides and nothing here would heed is left out, so that nobody relies on
//! it: `retry_mode` (the provider paces AWS Private CA by itself), `insecure`, and the checks that
//! `skip_credentials_validation`, `skip_region_validation` and `skip_requesting_account_id` would
//! skip, because they are not made.

use crate::aws::settings::form::{self, Judged};
use crate::terraform::schema::{
    Attribute, Block, Check, Nesting, Rule, flag, joined, number, text, text_map, texts,
};

pub(super) const REGION: Attribute = region("region").says(
    "Region for AWS STS, and for whatever no ARN says it of. A CA's own region is always taken from \
     its ARN.",
);

pub(super) const STS_REGION: Attribute =
    region("sts_region").says("Region for AWS STS, if it is not `region`.");

pub(super) const ACCESS_KEY: Attribute = secret("access_key")
    .says("Id of an access key. With it, neither the environment nor a file is looked at.");

pub(super) const SECRET_KEY: Attribute = secret("secret_key").says("The key to `access_key`.");

pub(super) const TOKEN: Attribute =
    secret("token").says("Session token, where `access_key` is temporary.");

pub(super) const PROFILE: Attribute = filled("profile").says(
    "Named profile of the shared configuration files. When set, keys in the environment are not \
     looked at.",
);

pub(super) const SHARED_CONFIG_FILES: Attribute = texts("shared_config_files")
    .optional()
    .says("Files to read instead of `~/.aws/config`.");

pub(super) const SHARED_CREDENTIALS_FILES: Attribute = texts("shared_credentials_files")
    .optional()
    .says("Files to read instead of `~/.aws/credentials`.");

pub(super) const ALLOWED_ACCOUNT_IDS: Attribute = accounts("allowed_account_ids").says(
    "Accounts that the identity at the end of the roles may belong to. STS is asked once whose it \
     is, before anything else is done with it.",
);

pub(super) const FORBIDDEN_ACCOUNT_IDS: Attribute =
    accounts("forbidden_account_ids").says("Accounts that it may not belong to.");

pub(super) const MAX_RETRIES: Attribute = number("max_retries")
    .optional()
    .check(Check::Between(0, 100))
    .says("How often a call to AWS that was throttled or failed in passing is repeated.");

pub(super) const USE_FIPS_ENDPOINT: Attribute = flag("use_fips_endpoint").optional().says(
    "Whether services are asked at their FIPS endpoints (`AWS_USE_FIPS_ENDPOINT`). A service that \
     `endpoints {}` names is asked there.",
);

pub(super) const USE_DUALSTACK_ENDPOINT: Attribute = flag("use_dualstack_endpoint").optional().says(
    "Whether services are asked at their dual-stack endpoints (`AWS_USE_DUALSTACK_ENDPOINT`). A \
     service that `endpoints {}` names is asked there.",
);

pub(super) const CUSTOM_CA_BUNDLE: Attribute = filled("custom_ca_bundle").says(
    "PEM file with the CAs to trust instead of the system's, for AWS only (`AWS_CA_BUNDLE`, or \
     `ca_bundle` of the profile).",
);

pub(super) const HTTP_PROXY: Attribute = proxy("http_proxy").says(
    "URL of a proxy for endpoints with `http://` only (`HTTP_PROXY`); `\"\"` is none, whatever the \
     environment says. Unlike in hashicorp/aws it is never used for `https://`.",
);

pub(super) const HTTPS_PROXY: Attribute =
    proxy("https_proxy").says(
    "URL of a proxy for endpoints with `https://`, as all of AWS has (`HTTPS_PROXY`); `\"\"` is none, \
     whatever the environment says.",
);

pub(super) const NO_PROXY: Attribute = text("no_proxy")
    .optional()
    .says("Hosts that are reached without a proxy, separated by commas (`NO_PROXY`).");

pub(super) const SKIP_METADATA_API_CHECK: Attribute = flag("skip_metadata_api_check")
    .optional()
    .says("Whether the metadata of an EC2 instance are left alone in the search for credentials.");

pub(super) const EC2_METADATA_SERVICE_ENDPOINT: Attribute =
    checked("ec2_metadata_service_endpoint", |text| {
        worded(text, form::url)
    })
    .says("URL of the instance's metadata (`AWS_EC2_METADATA_SERVICE_ENDPOINT`).");

pub(super) const EC2_METADATA_SERVICE_ENDPOINT_MODE: Attribute =
    text("ec2_metadata_service_endpoint_mode")
        .optional()
        .check(Check::OneOf(form::ENDPOINT_MODES))
        .says(
            "By which protocol the instance's metadata are reached \
             (`AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE`).",
        );

pub(super) const ASSUME_ROLE: Block = Block::new("assume_role", MANY, &ROLE)
    .says("A role to assume. Several blocks are assumed one from the other, in order.");

pub(super) const ASSUME_ROLE_WITH_WEB_IDENTITY: Block = Block::optional(
    "assume_role_with_web_identity",
    &WEB_IDENTITY,
)
.rules(&[Rule::AtMostOne {
    of: &["web_identity_token", "web_identity_token_file"],
    why: "Each is a token; only one can be meant.",
}])
.says(
    "A role for whoever holds a token that an identity provider has signed, as CI runners and \
             pods do. It comes before the roles of `assume_role`.",
);

pub(super) const ENDPOINTS: Block = Block::optional(
    "endpoints",
    &[
        endpoint("acmpca").says("URL of AWS Private CA."),
        endpoint("eks").says("URL of Amazon EKS."),
        endpoint("kms").says("URL of AWS KMS."),
        endpoint("sts").says("URL of AWS STS."),
    ],
)
.says("Where services are to be found, instead of where AWS has them.");

pub(super) const ACMPCA: Block = Block::optional("acmpca", &IN_ACMPCA)
    .blocks(&[ASSUME_ROLE, ASSUME_ROLE_WITH_WEB_IDENTITY])
    .rules(&IDENTITY)
    .says(
        "Another sign-in for AWS Private CA, for a CA that another account owns. Roles in it are \
         assumed from the identity that the provider's own settings lead to, unless it begins with a \
         key, a profile or a web identity of its own.",
    );

/// What must hold between the settings that say who signs in, in the provider block and in
/// `acmpca {}`.
pub(super) const IDENTITY: [Rule; 4] = [
    Rule::AtMostOne {
        of: &["access_key", "profile", "assume_role_with_web_identity"],
        why: "Each says who signs in; only one can be meant.",
    },
    Rule::Together {
        all: &["access_key", "secret_key"],
        why: "One is nothing without the other.",
    },
    Rule::Needs {
        setting: "token",
        other: "access_key",
        why: "A session token belongs to a key.",
    },
    Rule::AtMostOne {
        of: &["allowed_account_ids", "forbidden_account_ids"],
        why: "What is not allowed is forbidden already.",
    },
];

const IN_ACMPCA: [Attribute; 9] = [
    region("region").says("Region for AWS STS; left out, the provider's."),
    ACCESS_KEY,
    SECRET_KEY,
    TOKEN,
    filled("profile").says(
        "Named profile to start from; left out, the identity that the provider's own settings lead \
         to.",
    ),
    SHARED_CONFIG_FILES.says("Files to read instead of the provider's."),
    SHARED_CREDENTIALS_FILES.says("Files to read instead of the provider's."),
    ALLOWED_ACCOUNT_IDS,
    FORBIDDEN_ACCOUNT_IDS,
];

const MANY: Nesting = Nesting::List { min: 0, max: 0 };

const ROLE: [Attribute; 9] = joined(
    [text("role_arn")
        .required()
        .check(Check::Format(|text| worded(text, form::role_arn)))
        .says("ARN of the IAM role.")],
    SESSION,
);

/// What can be said of a role's session, whichever way the role is named.
pub(super) const SESSION: [Attribute; 8] = [
    SESSION_NAME.says("Name of the session in CloudTrail."),
    checked("source_identity", |text| worded(text, form::session_name))
        .says("Who is behind the session. It stays with all that is assumed from this role."),
    checked("external_id", |text| worded(text, form::external_id))
        .says("External id that the role's trust policy asks for."),
    DURATION,
    POLICY,
    POLICY_ARNS,
    text_map("tags").optional().says("Session tags."),
    texts("transitive_tag_keys")
        .optional()
        .says("Keys of tags that are passed on to roles assumed from this one."),
];

const WEB_IDENTITY: [Attribute; 7] = [
    checked("role_arn", |text| worded(text, form::role_arn))
        .says("ARN of the IAM role (`AWS_ROLE_ARN`)."),
    SESSION_NAME.says("Name of the session in CloudTrail (`AWS_ROLE_SESSION_NAME`)."),
    secret("web_identity_token").says("The token itself."),
    filled("web_identity_token_file").says(
        "File with the token, read anew whenever credentials are asked for \
         (`AWS_WEB_IDENTITY_TOKEN_FILE`).",
    ),
    DURATION,
    POLICY,
    POLICY_ARNS,
];

const SESSION_NAME: Attribute = checked("session_name", |text| worded(text, form::session_name));

const DURATION: Attribute = checked("duration", |text| worded(text, form::duration))
    .says("Length of the session, `\"15m\"` to `\"12h\"`.");

const POLICY: Attribute = checked("policy", |text| worded(text, form::policy))
    .says("Session policy as JSON, which narrows what the role may do.");

const POLICY_ARNS: Attribute = texts("policy_arns")
    .optional()
    .check(Check::Format(|text| worded(text, form::policy_arn)))
    .says("Managed policies as session policies.");

const fn region(name: &'static str) -> Attribute {
    checked(name, |text| worded(text, form::region))
}

const fn filled(name: &'static str) -> Attribute {
    checked(name, |text| worded(text, form::filled))
}

const fn endpoint(name: &'static str) -> Attribute {
    checked(name, |text| worded(text, form::url))
}

const fn proxy(name: &'static str) -> Attribute {
    checked(name, |text| unseen(text, form::proxy)).sensitive()
}

const fn secret(name: &'static str) -> Attribute {
    checked(name, |text| unseen(text, form::filled)).sensitive()
}

const fn accounts(name: &'static str) -> Attribute {
    texts(name)
        .optional()
        .check(Check::Format(|text| worded(text, form::account_id)))
}

pub(super) const fn checked(
    name: &'static str,
    accepts: fn(&str) -> Result<(), String>,
) -> Attribute {
    text(name).optional().check(Check::Format(accepts))
}

pub(super) fn worded(text: &str, form: fn(&str) -> Judged) -> Result<(), String> {
    form(text).map_err(|expected| format!("Must be {expected}, not {text:?}."))
}

/// As [`worded`], of what must not be shown.
fn unseen(text: &str, form: fn(&str) -> Judged) -> Result<(), String> {
    form(text).map_err(|expected| format!("Must be {expected}."))
}

#[cfg(test)]
mod tests {
    use crate::provider::SCHEMA;
    use crate::terraform::Dynamic;

    /// The place and the text of each problem.
    fn problems(settings: Vec<(&'static str, Dynamic)>) -> Vec<String> {
        let config = Dynamic::Map(
            settings
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        );
        let problems = SCHEMA.judge(&config).into_iter();
        let told = problems.map(|problem| format!("{}: {}", problem.path, problem.detail));
        told.collect()
    }

    fn block<const N: usize>(settings: [(&'static str, Dynamic); N]) -> Dynamic {
        Dynamic::List(vec![Dynamic::from(settings)])
    }

    fn list(texts: &[&str]) -> Dynamic {
        Dynamic::List(texts.iter().map(|&text| text.into()).collect())
    }

    #[test]
    fn what_cannot_be_is_refused_at_its_place_though_much_is_unknown() {
        let role = block([
            ("role_arn", Dynamic::UNKNOWN),
            ("duration", "10m".into()),
            ("policy_arns", list(&["arn:aws:iam::aws:policy/a", "b"])),
        ]);
        let ca = block([
            ("profile", " ".into()),
            ("assume_role", block([("role_arn", "pca".into())])),
        ]);
        let found = problems(vec![
            ("region", Dynamic::UNKNOWN),
            ("sts_region", "eu".into()),
            ("forbidden_account_ids", list(&["12345"])),
            ("https_proxy", "office:secret".into()),
            ("ec2_metadata_service_endpoint_mode", "ipv6".into()),
            ("assume_role", role),
            ("acmpca", ca),
        ]);
        let expected = [
            "sts_region: Must be the name of an AWS region, such as eu-west-1, not \"eu\".",
            "forbidden_account_ids[0]: Must be the number of an AWS account, twelve digits, not \
             \"12345\".",
            "https_proxy: Must be a URL with http:// or https:// and a host, or \"\" for no proxy.",
            "ec2_metadata_service_endpoint_mode: Must be \"IPv4\" or \"IPv6\", not \"ipv6\".",
            "assume_role[0].duration: Must be a length of time from \"15m\" to \"12h\", not \"10m\".",
            "assume_role[0].policy_arns[1]: Must be the ARN of an IAM policy, \
             arn:aws:iam::<account>:policy/<name>, not \"b\".",
            "acmpca[0].profile: Must be something, or nothing at all, not \" \".",
            "acmpca[0].assume_role[0].role_arn: Must be the ARN of an IAM role, \
             arn:aws:iam::<account>:role/<name>, not \"pca\".",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn settings_that_exclude_or_need_each_other_are_told_in_both_blocks() {
        let contradiction = || {
            vec![
                ("access_key", "AKID".into()),
                ("profile", "ci".into()),
                ("allowed_account_ids", list(&["123456789012"])),
                ("forbidden_account_ids", list(&["210987654321"])),
            ]
        };
        let expected = [
            "profile: Only one of \"access_key\" and \"profile\" can be set.\n\nEach says who signs in; \
             only one can be meant.",
            "access_key: \"access_key\" is set, so \"secret_key\" must be set, too.\n\nOne is nothing \
             without the other.",
            "forbidden_account_ids: Only one of \"allowed_account_ids\" and \
             \"forbidden_account_ids\" can be set.\n\nWhat is not allowed is forbidden already.",
        ];
        assert_eq!(problems(contradiction()), expected);
        let inner = Dynamic::Map(
            contradiction()
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        );
        let inner = problems(vec![("acmpca", Dynamic::List(vec![inner]))]);
        assert_eq!(inner, expected.map(|told| format!("acmpca[0].{told}")));
        assert_eq!(problems(vec![("token", "t".into())]).len(), 1);
        let token = block([
            ("web_identity_token", "ey.secret".into()),
            ("web_identity_token_file", "/token".into()),
        ]);
        let told = problems(vec![("assume_role_with_web_identity", token)]);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(!told[0].contains("ey.secret"));
    }

    #[test]
    fn what_is_not_known_yet_is_not_judged() {
        let unknown = |name| (name, Dynamic::UNKNOWN);
        let settings = [
            unknown("access_key"),
            unknown("profile"),
            unknown("allowed_account_ids"),
            unknown("forbidden_account_ids"),
            unknown("assume_role"),
            unknown("acmpca"),
        ];
        assert_eq!(problems(settings.into()), Vec::<String>::new());
    }
}
