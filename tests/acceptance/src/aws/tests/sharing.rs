use aws_sdk_acmpca::types::RevocationReason;

use super::*;
use crate::aws::RamPermission;

const THEM: &str = "999988887777";

fn them(scene: &Scene) -> Client {
    client(&scene.aws, &scene.aws.account(THEM).user("them"), REGION)
}

#[tokio::test]
async fn a_ca_that_is_not_shared_is_denied_to_other_accounts_in_the_words_of_aws() {
    let scene = Scene::new();
    let (code, message) = said(issue(&them(&scene), &scene.ca).send().await);
    assert_eq!(code, "AccessDeniedException");
    assert_eq!(
        message,
        format!(
            "User: arn:aws:iam::{THEM}:user/them is not authorized to perform: \
             acm-pca:IssueCertificate on resource: {} because no resource-based policy \
             allows the acm-pca:IssueCertificate action",
            scene.ca.arn()
        )
    );
}

#[tokio::test]
async fn whether_a_foreign_ca_exists_is_not_told() {
    let scene = Scene::new();
    let missing = format!(
        "arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/{}",
        random::uuid()
    );
    let ask = them(&scene)
        .describe_certificate_authority()
        .certificate_authority_arn(missing)
        .send()
        .await;
    assert_eq!(said(ask).0, "AccessDeniedException");
}

#[tokio::test]
async fn the_default_permission_issues_leaves_and_no_cas() {
    let scene = Scene::new();
    scene.ca.share_with(THEM, RamPermission::Default);
    let theirs = them(&scene);
    theirs
        .describe_certificate_authority()
        .certificate_authority_arn(scene.ca.arn())
        .send()
        .await
        .unwrap();
    assert_eq!(
        said(issue(&theirs, &scene.ca).send().await).0,
        "AccessDeniedException"
    );
    issue(&theirs, &scene.ca)
        .set_template_arn(None)
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn the_subordinate_permission_issues_cas_of_path_length_0_only() {
    let scene = Scene::new();
    scene
        .root
        .share_with(THEM, RamPermission::SubordinatePathLen0Issuance);
    let theirs = them(&scene);
    let arn = issue(&theirs, &scene.root)
        .send()
        .await
        .unwrap()
        .certificate_arn
        .unwrap();
    delivered(&theirs, &scene.root, &arn).await;
    for template in [
        "SubordinateCACertificate_PathLen1",
        "SubordinateCACertificate_PathLen0_CSRPassthrough",
        "EndEntityCertificate",
    ] {
        let answer = issue(&theirs, &scene.root)
            .template_arn(scene.root.template_arn(template))
            .send()
            .await;
        assert_eq!(said(answer).0, "AccessDeniedException", "{template}");
    }
}

#[tokio::test]
async fn revoking_takes_the_default_permission_besides_its_own() {
    let scene = Scene::new();
    scene.issue().send().await.unwrap();
    let serial = scene.ca.issued()[0].serial.clone();
    let theirs = them(&scene);
    let revoke = || {
        let request = theirs
            .revoke_certificate()
            .certificate_authority_arn(scene.ca.arn())
            .certificate_serial(&serial);
        request
            .revocation_reason(RevocationReason::Unspecified)
            .send()
    };
    scene.ca.share_with(THEM, RamPermission::Revoke);
    assert_eq!(said(revoke().await).0, "AccessDeniedException");
    scene.ca.share_with(THEM, RamPermission::Default);
    revoke().await.unwrap();
}

#[tokio::test]
async fn a_customer_managed_permission_allows_what_it_lists() {
    let scene = Scene::new();
    let actions = vec!["acm-pca:IssueCertificate".to_owned()];
    let templates = vec!["SubordinateCACertificate_PathLen2/V1".to_owned()];
    scene
        .root
        .share_with(THEM, RamPermission::CustomerManaged { actions, templates });
    let theirs = them(&scene);
    issue(&theirs, &scene.root)
        .template_arn(scene.root.template_arn("SubordinateCACertificate_PathLen2"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        said(issue(&theirs, &scene.root).send().await).0,
        "AccessDeniedException"
    );
    let read = theirs
        .describe_certificate_authority()
        .certificate_authority_arn(scene.root.arn())
        .send()
        .await;
    assert_eq!(said(read).0, "AccessDeniedException");
}

#[tokio::test]
async fn a_share_ends_when_it_is_taken_back() {
    let scene = Scene::new();
    scene.ca.share_with(THEM, RamPermission::Default);
    scene.ca.unshare(THEM);
    let read = them(&scene)
        .describe_certificate_authority()
        .certificate_authority_arn(scene.ca.arn())
        .send()
        .await;
    assert_eq!(said(read).0, "AccessDeniedException");
}

#[tokio::test]
async fn a_user_of_the_owner_may_do_what_its_policy_allows() {
    let scene = Scene::new();
    let keys = scene
        .aws
        .account("111122223333")
        .limited_user("planner", &["acm-pca:Describe*", "acm-pca:GetCertificate"]);
    let planner = client(&scene.aws, &keys, REGION);
    planner
        .describe_certificate_authority()
        .certificate_authority_arn(scene.ca.arn())
        .send()
        .await
        .unwrap();
    let (code, message) = said(issue(&planner, &scene.ca).send().await);
    assert_eq!(code, "AccessDeniedException");
    assert!(
        message.ends_with(
            "because no identity-based policy allows the acm-pca:IssueCertificate action"
        ),
        "{message}"
    );
    let own = planner
        .get_certificate_authority_certificate()
        .certificate_authority_arn(scene.ca.arn())
        .send()
        .await;
    assert_eq!(
        said(own).0,
        "AccessDeniedException",
        "GetCertificate is no wildcard"
    );
}
