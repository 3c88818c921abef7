//! The provider: its settings, and what they mean for plans.

mod kubernetes;
mod signing_in;

use std::collections::BTreeMap;
use std::env;
use std::sync::Arc;

use crate::aws::Agent;
use crate::clients::Clients;
use crate::resources;
use crate::terraform::plugin::About;
use crate::terraform::schema::{Attribute, Block, Check, Partial, Rule, Schema, text, text_map};
use crate::terraform::{Clock, Configuration, Configured, Diagnostic, Provider, wall_clock};

/// What the provider's configuration says that plans depend on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// What becomes of a certificate that is due.
    pub renewals: Renewals,
    /// What becomes of a plan when a cluster cannot be read.
    pub refresh_failure: RefreshFailure,
    /// Labels for everything that is written to a cluster; nothing while they are unknown.
    pub default_labels: Option<BTreeMap<String, String>>,
}

/// What becomes of a certificate that is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Renewals {
    /// It is renewed.
    #[default]
    Plan,
    /// The plan tells of it and changes nothing: for runs on pull requests.
    Warn,
}

/// What becomes of a plan when a cluster cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RefreshFailure {
    /// It fails.
    #[default]
    Error,
    /// It goes on with what the state says.
    Warn,
}

/// Who the provider is.
pub const ABOUT: About = About {
    address: "istiopca/istiopca",
    version: env!("CARGO_PKG_VERSION"),
};

/// Everything that is served.
pub fn provider() -> Provider<Clients, Policy> {
    Provider {
        name: "istiopca",
        schema: SCHEMA,
        resources: resources::all(),
        ephemerals: resources::ephemerals(),
        data_sources: resources::data_sources(),
        configure,
    }
}

const RENEWALS: &[&str] = &["plan", "warn"];
const REFRESH_FAILURE: &[&str] = &["error", "warn"];

const SCHEMA: Schema = Schema::new(
    "Gives an Istio mesh its intermediate CA from AWS Private CA and keeps it alive.",
    &ATTRIBUTES,
)
.blocks(&BLOCKS)
.rules(&RULES);

const RULES: [Rule; 5] = {
    let [keys, key, token, accounts] = signing_in::IDENTITY;
    let labels = |settings: &Partial<'_>| resources::metadata::labels(settings, "default_labels");
    [keys, key, token, accounts, Rule::Holds(labels)]
};

const ATTRIBUTES: [Attribute; 23] = [
    signing_in::REGION,
    signing_in::STS_REGION,
    signing_in::ACCESS_KEY,
    signing_in::SECRET_KEY,
    signing_in::TOKEN,
    signing_in::PROFILE,
    signing_in::SHARED_CONFIG_FILES,
    signing_in::SHARED_CREDENTIALS_FILES,
    signing_in::ALLOWED_ACCOUNT_IDS,
    signing_in::FORBIDDEN_ACCOUNT_IDS,
    signing_in::USE_FIPS_ENDPOINT,
    signing_in::USE_DUALSTACK_ENDPOINT,
    signing_in::CUSTOM_CA_BUNDLE,
    signing_in::HTTP_PROXY,
    signing_in::HTTPS_PROXY,
    signing_in::NO_PROXY,
    signing_in::SKIP_METADATA_API_CHECK,
    signing_in::EC2_METADATA_SERVICE_ENDPOINT,
    signing_in::EC2_METADATA_SERVICE_ENDPOINT_MODE,
    signing_in::MAX_RETRIES,
    text("renewals").optional().check(Check::OneOf(RENEWALS)).says(
        "What a plan does about a certificate that is due: `plan` renews it, `warn` only tells. \
         Defaults to `ISTIOPCA_RENEWALS`, else to `plan`. Set the variable to `warn` for runs on \
         pull requests.",
    ),
    text("refresh_failure").optional().check(Check::OneOf(REFRESH_FAILURE)).says(
        "What a plan does when a cluster or a Secret cannot be read: `error` fails, `warn` goes on \
         with what the state says. Defaults to `error`.",
    ),
    text_map("default_labels").optional().says(
        "Labels for everything that the provider writes to a cluster; a resource's own labels win.",
    ),
];

const BLOCKS: [Block; 5] = [
    signing_in::ASSUME_ROLE,
    signing_in::ASSUME_ROLE_WITH_WEB_IDENTITY,
    signing_in::ENDPOINTS,
    signing_in::ACMPCA,
    kubernetes::KUBERNETES,
];

fn configure(
    configuration: &Configuration<'_>,
) -> Result<Configured<Clients, Policy>, Vec<Diagnostic>> {
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let agent = Agent {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        terraform: Some(configuration.terraform_version.to_owned()),
        append: variable("TF_APPEND_USER_AGENT"),
    };
    let policy = policy(&Partial::new(configuration.settings), &variable)?;
    let clock: Clock = Arc::new(wall_clock);
    let clients = Clients::new(
        configuration.settings,
        &agent,
        policy.refresh_failure,
        clock,
    );
    Ok(Configured { clients, policy })
}

fn policy(
    settings: &Partial<'_>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Policy, Vec<Diagnostic>> {
    let said = |name| settings.read::<Option<String>>(name).ok().flatten();
    let renewals = said("renewals").or_else(|| variable("ISTIOPCA_RENEWALS"));
    let renewals = match renewals.as_deref() {
        None | Some("plan") => Renewals::Plan,
        Some("warn") => Renewals::Warn,
        Some(other) => {
            let detail = format!("ISTIOPCA_RENEWALS must be \"plan\" or \"warn\", not {other:?}.");
            return Err(vec![Diagnostic::error("Invalid ISTIOPCA_RENEWALS", detail)]);
        }
    };
    let refresh_failure = match said("refresh_failure").as_deref() {
        Some("warn") => RefreshFailure::Warn,
        _ => RefreshFailure::Error,
    };
    Ok(Policy {
        renewals,
        refresh_failure,
        default_labels: settings.read("default_labels").ok(),
    })
}
