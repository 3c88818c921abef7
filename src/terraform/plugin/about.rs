//! What the binary says of itself to people.

/// Who a provider is: its source address and its version.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// Where configurations find it: `NAMESPACE/TYPE`, which each core completes with its own
    /// default host, or `HOST/NAMESPACE/TYPE`.
    pub address: &'static str,
    /// Its version, without a `v`.
    pub version: &'static str,
}

impl About {
    /// The type, by which resources are named: the last part of the address.
    pub fn name(self) -> &'static str {
        self.address.rsplit('/').next().unwrap_or(self.address)
    }

    /// The executable's name, which cores derive from the type.
    pub(super) fn binary(self) -> String {
        format!("terraform-provider-{}", self.name())
    }

    /// For somebody who started the binary in a shell.
    pub(super) fn to_somebody_by_hand(self) -> String {
        let (name, binary, Self { address, version }) = (self.name(), self.binary(), self);
        format!(
            r#"This is {binary} {version}, a plugin: Terraform and OpenTofu start it themselves.

To use it, name it in a configuration and run "terraform init" or "tofu init":

    terraform {{
      required_providers {{
        {name} = {{
          source = "{address}"
        }}
      }}
    }}

To debug it, start "{binary} --debug" and set the variable that it prints.
"#
        )
    }

    /// For somebody who wants to attach a core to the process that runs.
    pub(super) fn to_somebody_debugging(self, reattach: &str) -> String {
        let binary = self.binary();
        // Inside single quotes a shell takes everything literally but the quote itself.
        let quoted = reattach.replace('\'', r"'\''");
        format!(
            "{binary} {} serves until Ctrl-C. To attach Terraform or OpenTofu, set there:\n\n    \
             TF_REATTACH_PROVIDERS='{quoted}'\n\n",
            self.version
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: About = About {
        address: "example.com/acme/mesh",
        version: "1.2.3",
    };

    #[test]
    fn somebody_by_hand_learns_what_this_is_and_what_to_do() {
        let text = ABOUT.to_somebody_by_hand();
        assert!(text.starts_with("This is terraform-provider-mesh 1.2.3, a plugin"));
        assert!(text.contains("mesh = {\n          source = \"example.com/acme/mesh\"\n"));
        assert!(text.contains("\"terraform-provider-mesh --debug\""));
    }

    #[test]
    fn a_quote_in_the_variable_survives_a_shell() {
        let text = ABOUT.to_somebody_debugging("it's");
        assert!(text.contains(r"TF_REATTACH_PROVIDERS='it'\''s'"));
    }
}
