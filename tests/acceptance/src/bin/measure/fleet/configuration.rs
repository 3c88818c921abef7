//! One stack for a whole fleet.

use istiopca_acceptance::cli::REQUIRED_PROVIDERS;

use super::super::Failure;

/// How a certificate comes into its Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// By an `istiopca_intermediate` beside it, both in a module for each cluster.
    Intermediate,
    /// The same without the module: `for_each` on both resources. To know one instance, core then reads
    /// all, so that its work grows with the square of their number, whoever wrote the provider.
    Flat,
    /// By the Secret's own block `intermediate {}`.
    Issuing,
}

impl Shape {
    pub(super) fn named(name: &str) -> Result<Self, Failure> {
        match name {
            "intermediate" => Ok(Self::Intermediate),
            "flat" => Ok(Self::Flat),
            "issuing" => Ok(Self::Issuing),
            _ => Err(format!("{name} is no shape: intermediate, flat or issuing").into()),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Intermediate => "intermediate + Secret in a module",
            Self::Flat => "intermediate + Secret, no module",
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

/// The stack's files by name: one provider without an alias, and resources for each of `keys`. `place`
/// is how a Secret says where it is, in terms of `key`.
pub(super) fn stack(
    provider: &Provider<'_>,
    shape: Shape,
    ca: &str,
    keys: &[String],
    place: &str,
) -> Vec<(&'static str, String)> {
    let keys: Vec<String> = keys.iter().map(|key| format!("    {key:?}")).collect();
    let keys = keys.join(",\n");
    let clusters = format!("locals {{\n  clusters = toset([\n{keys}\n  ])\n}}\n");
    let block = provider.block();
    let each = place.replace("key", "each.key");
    let every = "for_each = local.clusters";
    let main = match shape {
        Shape::Intermediate => {
            "module \"mesh\" {\n  source = \"./mesh\"\n  for_each = local.clusters\n  key = each.key\n}\n".to_owned()
        }
        Shape::Flat => beside(every, ca, "each.key", &each, "[each.key]"),
        Shape::Issuing => issuing(ca, &each),
    };
    let mut files = vec![(
        "main.tf",
        format!("{REQUIRED_PROVIDERS}{block}{clusters}{main}"),
    )];
    if shape == Shape::Intermediate {
        let place = place.replace("key", "var.key");
        let inside = beside("", ca, "var.key", &place, "");
        let variable = "variable \"key\" {\n  type = string\n}\n";
        files.push((
            "mesh/main.tf",
            format!("{REQUIRED_PROVIDERS}{variable}{inside}"),
        ));
    }
    files
}

impl Provider<'_> {
    fn block(&self) -> String {
        let Self {
            endpoint,
            files,
            kubernetes,
        } = self;
        format!(
            r#"
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
"#
        )
    }
}

fn wanted(ca: &str, key: &str) -> String {
    format!(
        r#"
  certificate_authority_arn = "{ca}"
  subject {{
    common_name = "istio-ca.${{basename({key})}}"
  }}"#
    )
}

/// An intermediate and its Secret; `index` leads from the one to the other.
fn beside(every: &str, ca: &str, key: &str, place: &str, index: &str) -> String {
    let wanted = wanted(ca, key);
    format!(
        r#"
resource "istiopca_intermediate" "mesh" {{
  {every}
  private_key_storage = "state"{wanted}
}}
resource "istiopca_cacerts_secret" "mesh" {{
  {every}
  {place}
  certificate       = istiopca_intermediate.mesh{index}.certificate
  certificate_chain = istiopca_intermediate.mesh{index}.certificate_chain
  private_key_pem   = istiopca_intermediate.mesh{index}.private_key_pem
}}
"#
    )
}

fn issuing(ca: &str, place: &str) -> String {
    let wanted = wanted(ca, "each.key");
    format!(
        r#"
resource "istiopca_cacerts_secret" "mesh" {{
  for_each = local.clusters
  {place}
  intermediate {{{wanted}
  }}
}}
"#
    )
}
