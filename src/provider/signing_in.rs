//! Settings of the provider that say how it signs in to AWS, in the vocabulary of hashicorp/aws.

use crate::aws;
use crate::terraform::schema::{
    Attribute, Block, Check, Nesting, Partial, number, text, text_map, texts,
};
use crate::terraform::{Diagnostic, Path};

pub(super) const REGION: Attribute = text("region").optional().says(
    "Region for AWS STS, and for whatever no ARN says it of. A CA's own region is always taken from \
     its ARN.",
);

pub(super) const PROFILE: Attribute = text("profile").optional().says(
    "Named profile of the shared configuration files. When set, keys in the environment are not \
     looked at.",
);

pub(super) const SHARED_CONFIG_FILES: Attribute = texts("shared_config_files")
    .optional()
    .says("Files to read instead of `~/.aws/config`.");

pub(super) const SHARED_CREDENTIALS_FILES: Attribute = texts("shared_credentials_files")
    .optional()
    .says("Files to read instead of `~/.aws/credentials`.");

pub(super) const MAX_RETRIES: Attribute = number("max_retries")
    .optional()
    .check(Check::Between(0, 100))
    .says("How often a call to AWS that was throttled or failed in passing is repeated.");

const REGION_OF_STS: Attribute = text("region")
    .optional()
    .says("Region for AWS STS; left out, the provider's.");

const PROFILE_OF_CA: Attribute = text("profile").optional().says(
    "Named profile to start from; left out, the identity that the provider's own settings lead to.",
);

pub(super) const ASSUME_ROLE: Block = Block::new("assume_role", MANY, &ROLE)
    .says("A role to assume. Several blocks are assumed one from the other, in order.");

pub(super) const ENDPOINTS: Block = Block::optional(
    "endpoints",
    &[
        text("acmpca").optional().says("URL of AWS Private CA."),
        text("sts").optional().says("URL of AWS STS."),
    ],
)
.says("Where services are to be found, instead of where AWS has them.");

pub(super) const ACMPCA: Block = Block::optional("acmpca", &[REGION_OF_STS, PROFILE_OF_CA])
    .blocks(&[ASSUME_ROLE])
    .says(
        "Another sign-in for AWS Private CA, for a CA that another account owns. Roles in it are \
         assumed from the identity that the provider's own settings lead to.",
    );

const MANY: Nesting = Nesting::List { min: 0, max: 0 };

const ROLE: [Attribute; 8] = [
    text("role_arn").required().says("ARN of the IAM role."),
    text("session_name")
        .optional()
        .says("Name of the session in CloudTrail."),
    text("external_id")
        .optional()
        .says("External id that the role's trust policy asks for."),
    text("duration")
        .optional()
        .says("Length of the session, `\"15m\"` to `\"12h\"`."),
    text("policy")
        .optional()
        .says("Session policy as JSON, which narrows what the role may do."),
    texts("policy_arns")
        .optional()
        .says("Managed policies as session policies."),
    text_map("tags").optional().says("Session tags."),
    texts("transitive_tag_keys")
        .optional()
        .says("Keys of tags that are passed on to roles assumed from this one."),
];

/// What can be judged of a sign-in without asking AWS; silent while something of it is unknown.
pub(super) fn well_formed(settings: &Partial<'_>) -> Vec<Diagnostic> {
    let outer = settings
        .read_whole::<aws::Settings>()
        .ok()
        .map(|settings| settings.check());
    let blocks = settings.blocks("acmpca").filter_map(|block| {
        let checked = block.read_whole::<aws::AcmPca>().ok()?.check();
        Some((block.place().clone(), checked))
    });
    let all = outer
        .map(|checked| (Path::root(), checked))
        .into_iter()
        .chain(blocks);
    let refused = all.filter_map(|(place, checked)| Some((place, checked.err()?)));
    let told = refused.map(|(place, error)| {
        let summary = "The provider cannot sign in to AWS with these settings";
        Diagnostic::error(summary, format!("{error}.")).at(place)
    });
    told.collect()
}
