//! Who may use which CA: the owner's account, and the accounts that it is shared with by AWS RAM.

use super::super::answer::Failure;
use super::super::caller::Caller;
use super::arn::CaArn;
use super::authority::{Authorities, Authority};
use super::{required, template};

/// What a resource share allows an account to do with a CA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RamPermission {
    /// `AWSRAMDefaultPermissionCertificateAuthority`: read, and issue from
    /// `EndEntityCertificate/V1`.
    Default,
    /// `AWSRAMSubordinateCACertificatePathLen0IssuanceCertificateAuthority`: read, and issue from
    /// `SubordinateCACertificate_PathLen0/V1`.
    SubordinatePathLen0Issuance,
    /// `AWSRAMRevokeCertificateCertificateAuthority`: revoke, for an account that has the default
    /// permission too.
    Revoke,
    /// A customer managed permission.
    CustomerManaged {
        /// Such as `acm-pca:DescribeCertificateAuthority`.
        actions: Vec<String>,
        /// Names such as `SubordinateCACertificate_PathLen1/V1`; empty for any.
        templates: Vec<String>,
    },
}

const READS: [&str; 5] = [
    "DescribeCertificateAuthority",
    "GetCertificate",
    "GetCertificateAuthorityCertificate",
    "ListPermissions",
    "ListTags",
];

/// The CA that a request names, if the caller may do `operation` with it; `template` is the ARN
/// that an issuance asks for.
pub(super) fn admitted<'a>(
    authorities: &'a mut Authorities,
    caller: &Caller,
    operation: &str,
    ca: &Option<String>,
    template: Option<&str>,
) -> Result<&'a mut Authority, Failure> {
    let arn = CaArn::parse(required("CertificateAuthorityArn", ca)?)?;
    may(caller, operation, &arn.to_string())?;
    let account = &caller.principal.account;
    // Another Region's endpoint does not know the CA.
    let found = authorities
        .find_mut(&arn)
        .filter(|authority| authority.arn.region == caller.region);
    match found {
        Some(authority) if arn.account == *account => Ok(authority),
        Some(authority) if authority.is_shared_for(account, operation, template) => Ok(authority),
        None if arn.account == *account => Err(not_found(&arn)),
        _ => Err(denied(caller, operation, &arn.to_string(), "resource")),
    }
}

/// Whether the caller's own policy lets it do this at all.
pub(super) fn may(caller: &Caller, operation: &str, resource: &str) -> Result<(), Failure> {
    if caller
        .principal
        .may(&format!("acm-pca:{operation}"), resource)
    {
        Ok(())
    } else {
        Err(denied(caller, operation, resource, "identity"))
    }
}

impl Authority {
    /// Whether the account sees the CA by a share.
    pub(super) fn is_shared_with(&self, account: &str) -> bool {
        self.shares
            .get(account)
            .is_some_and(|permissions| !permissions.is_empty())
    }

    fn is_shared_for(&self, account: &str, operation: &str, template: Option<&str>) -> bool {
        let Some(permissions) = self.shares.get(account) else {
            return false;
        };
        let name = template.and_then(|arn| Some(arn.split_once("template/")?.1));
        let name = name.unwrap_or(template::DEFAULT);
        let revokes = operation == "RevokeCertificate"
            && permissions.contains(&RamPermission::Revoke)
            && permissions.contains(&RamPermission::Default);
        revokes
            || permissions
                .iter()
                .any(|permission| permission.allows(operation, name))
    }
}

impl RamPermission {
    fn allows(&self, operation: &str, template: &str) -> bool {
        let issues = operation == "IssueCertificate";
        match self {
            Self::Default => READS.contains(&operation) || issues && template == template::DEFAULT,
            Self::SubordinatePathLen0Issuance => {
                READS.contains(&operation)
                    || issues && template == "SubordinateCACertificate_PathLen0/V1"
            }
            Self::Revoke => false,
            Self::CustomerManaged { actions, templates } => {
                let listed =
                    templates.is_empty() || templates.iter().any(|allowed| allowed == template);
                actions
                    .iter()
                    .any(|action| action.strip_prefix("acm-pca:") == Some(operation))
                    && (!issues || listed)
            }
        }
    }
}

fn denied(caller: &Caller, operation: &str, resource: &str, kind: &str) -> Failure {
    let (who, action) = (&caller.principal.arn, format!("acm-pca:{operation}"));
    Failure::access_denied(format!(
        "User: {who} is not authorized to perform: {action} on resource: {resource} because no \
         {kind}-based policy allows the {action} action"
    ))
}

fn not_found(arn: &CaArn) -> Failure {
    Failure::of(
        "ResourceNotFoundException",
        format!("Could not find Certificate Authority {arn}"),
    )
}
