//! How we show ourselves in the user agent, which CloudTrail keeps beside each call.

use aws_config::AppName;
use aws_types::sdk_ua_metadata::FrameworkMetadata;

use super::PRODUCT;

/// Who is calling.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Agent {
    /// Version of this provider.
    pub version: String,
    /// Version of the Terraform or OpenTofu that runs it, where the host says.
    pub terraform: Option<String>,
    /// More products as `name/version`, apart by blanks: what `TF_APPEND_USER_AGENT` holds.
    pub append: Option<String>,
}

impl Agent {
    /// What is appended to the SDK's user agent. What has no legal form there is left out: a
    /// decoration is no reason to fail.
    pub(super) fn products(&self) -> Vec<FrameworkMetadata> {
        let ours = (PRODUCT, Some(self.version.as_str()));
        let host = self
            .terraform
            .as_deref()
            .map(|version| ("Terraform", Some(version)));
        let appended = self
            .append
            .as_deref()
            .unwrap_or_default()
            .split_whitespace()
            .map(product);
        let all = [ours].into_iter().chain(host).chain(appended);
        all.filter_map(|(name, version)| {
            FrameworkMetadata::new(name.to_owned(), version.map(str::to_owned)).ok()
        })
        .collect()
    }
}

pub(super) fn app_name() -> AppName {
    AppName::new(PRODUCT).expect("letters and dashes make a legal name")
}

fn product(text: &str) -> (&str, Option<&str>) {
    match text.split_once('/') {
        Some((name, version)) => (name, Some(version)),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_stand_in_order_and_illegal_ones_are_left_out() {
        let agent = Agent {
            version: "0.1.0".to_owned(),
            terraform: Some("1.14.2".to_owned()),
            append: Some("pipeline/7  nightly bad\u{7}/1 /2".to_owned()),
        };
        let shown: Vec<_> = agent.products().iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "lib/terraform-provider-istiopca/0.1.0",
                "lib/Terraform/1.14.2",
                "lib/pipeline/7",
                "lib/nightly"
            ]
        );
    }
}
