//! Judging settings as a whole, for those that no schema has judged before.

use super::form::{self, Judged};
use super::{AcmPca, AssumeRole, Secret, Settings, WebIdentity};
use crate::aws::Error;

impl Settings {
    /// Refuses what AWS would refuse later and in worse words; the error names the attribute.
    pub fn check(&self) -> Result<(), Error> {
        self.check_identity("")?;
        for (nth, block) in self.endpoints.iter().enumerate() {
            for (name, url) in [
                ("acmpca", &block.acmpca),
                ("eks", &block.eks),
                ("kms", &block.kms),
                ("sts", &block.sts),
            ] {
                check(format!("endpoints[{nth}].{name}"), url, form::url)?;
            }
        }
        let metadata = &self.ec2_metadata_service_endpoint;
        check("ec2_metadata_service_endpoint", metadata, form::url)?;
        check("custom_ca_bundle", &self.custom_ca_bundle, form::filled)?;
        hidden("http_proxy", &self.http_proxy, form::proxy)?;
        hidden("https_proxy", &self.https_proxy, form::proxy)
    }

    fn check_identity(&self, place: &str) -> Result<(), Error> {
        check(format!("{place}region"), &self.region, form::region)?;
        check(format!("{place}sts_region"), &self.sts_region, form::region)?;
        check(format!("{place}profile"), &self.profile, form::filled)?;
        hidden(format!("{place}access_key"), &self.access_key, form::filled)?;
        hidden(format!("{place}secret_key"), &self.secret_key, form::filled)?;
        for (nth, block) in self.assume_role_with_web_identity.iter().enumerate() {
            block.check(&format!("{place}assume_role_with_web_identity[{nth}]"))?;
        }
        for (nth, role) in self.assume_role.iter().enumerate() {
            role.check(&format!("{place}assume_role[{nth}]"))?;
        }
        for (name, list) in [
            ("allowed", &self.allowed_account_ids),
            ("forbidden", &self.forbidden_account_ids),
        ] {
            let mut list = list.iter().enumerate();
            let path = |nth| format!("{place}{name}_account_ids[{nth}]");
            list.try_for_each(|(nth, id)| check(path(nth), Some(id), form::account_id))?;
        }
        Ok(())
    }
}

impl AcmPca {
    /// As [`Settings::check`]; paths begin at the block.
    pub fn check(&self) -> Result<(), Error> {
        self.within(&Settings::default())
            .check_identity("acmpca[0].")
    }
}

impl AssumeRole {
    /// As [`Settings::check`]; `path` is where the block stands.
    pub fn check(&self, path: &str) -> Result<(), Error> {
        let at = |name: &str| format!("{path}.{name}");
        check(at("role_arn"), Some(&self.role_arn), form::role_arn)?;
        check(at("session_name"), &self.session_name, form::session_name)?;
        check(
            at("source_identity"),
            &self.source_identity,
            form::session_name,
        )?;
        check(at("external_id"), &self.external_id, form::external_id)?;
        check(at("duration"), &self.duration, form::duration)?;
        check(at("policy"), &self.policy, form::policy)?;
        check_policies(path, &self.policy_arns)
    }
}

impl WebIdentity {
    fn check(&self, path: &str) -> Result<(), Error> {
        let at = |name: &str| format!("{path}.{name}");
        check(at("role_arn"), &self.role_arn, form::role_arn)?;
        check(at("session_name"), &self.session_name, form::session_name)?;
        hidden(
            at("web_identity_token"),
            &self.web_identity_token,
            form::filled,
        )?;
        let file = &self.web_identity_token_file;
        check(at("web_identity_token_file"), file, form::filled)?;
        check(at("duration"), &self.duration, form::duration)?;
        check(at("policy"), &self.policy, form::policy)?;
        check_policies(path, &self.policy_arns)
    }
}

fn check_policies(path: &str, arns: &[String]) -> Result<(), Error> {
    let mut arns = arns.iter().enumerate();
    arns.try_for_each(|(nth, arn)| {
        check(
            format!("{path}.policy_arns[{nth}]"),
            Some(arn),
            form::policy_arn,
        )
    })
}

fn check<'a>(
    path: impl Into<String>,
    value: impl Into<Option<&'a String>>,
    form: fn(&str) -> Judged,
) -> Result<(), Error> {
    let Some(value) = value.into() else {
        return Ok(());
    };
    form(value).map_err(|expected| Error::Setting {
        path: path.into(),
        found: value.clone(),
        expected,
    })
}

fn hidden(
    path: impl Into<String>,
    value: &Option<Secret>,
    form: fn(&str) -> Judged,
) -> Result<(), Error> {
    let judged = value.as_ref().map_or(Ok(()), |value| form(value.expose()));
    judged.map_err(|expected| Error::Setting {
        path: path.into(),
        found: "something else".to_owned(),
        expected,
    })
}
