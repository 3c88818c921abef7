//! One stack for a whole fleet.

use istiopca_acceptance::cli::REQUIRED_PROVIDERS;

use super::super::Failure;

/// How a certificate comes into its Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// By an `istiopca_intermediate` beside it.
    Intermediate,
    /// By the Secret's own block `intermediate {}`.
    Issuing,
}

impl Shape {
    pub(super) fn named(name: &str) -> Result<Self, Failure> {
        match name {
            "intermediate" => Ok(Self::Intermediate),
            "issuing" => Ok(Self::Issuing),
            _ => Err(format!("{name} is no shape: intermediate or issuing").into()),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Intermediate => "intermediate + Secret",
            Self::Issuing => "Secret alone",
        }
    }
}

/// What the provider's block needs.
pub(super) struct Provider<'a> {
    /// Of the emulated AWS.
    pub(super) endpoint: &'a str,
    /// A directory with `aws-config` and `aws-credentials`.
    pub(super) files: &'a str,
    /// The inside of `kubernetes {}`.
    pub(super) kubernetes: &'a str,
}

/// The configuration: one provider without an alias, and resources for each of `keys`.
pub(super) fn stack(
    provider: &Provider<'_>,
    shape: Shape,
    ca: &str,
    keys: &[String],
    place: &str,
) -> String {
    let Provider {
        endpoint,
        files,
        kubernetes,
    } = provider;
    let keys: Vec<String> = keys.iter().map(|key| format!("    {key:?}")).collect();
    let keys = keys.join(",\n");
    let resources = resources(shape, ca, place);
    format!(
        r#"{REQUIRED_PROVIDERS}
provider "istiopca" {{
  profile                  = "fleet"
  shared_config_files      = ["{files}/aws-config"]
  shared_credentials_files = ["{files}/aws-credentials"]
  endpoints {{
    acmpca = "{endpoint}"
    eks    = "{endpoint}"
    sts    = "{endpoint}"
  }}
  kubernetes {{
    {kubernetes}
  }}
}}
locals {{
  clusters = toset([
{keys}
  ])
}}
{resources}"#
    )
}

fn resources(shape: Shape, ca: &str, place: &str) -> String {
    let wanted = format!(
        r#"
  certificate_authority_arn = "{ca}"
  subject {{
    common_name = "istio-ca.${{basename(each.key)}}"
  }}"#
    );
    match shape {
        Shape::Intermediate => format!(
            r#"
resource "istiopca_intermediate" "mesh" {{
  for_each            = local.clusters
  private_key_storage = "state"{wanted}
}}
resource "istiopca_cacerts_secret" "mesh" {{
  for_each          = local.clusters
  {place}
  certificate       = istiopca_intermediate.mesh[each.key].certificate
  certificate_chain = istiopca_intermediate.mesh[each.key].certificate_chain
  private_key_pem   = istiopca_intermediate.mesh[each.key].private_key_pem
}}
"#
        ),
        Shape::Issuing => format!(
            r#"
resource "istiopca_cacerts_secret" "mesh" {{
  for_each = local.clusters
  {place}
  intermediate {{{wanted}
  }}
}}
"#
        ),
    }
}
