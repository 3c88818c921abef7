use aws_sdk_acmpca::operation::list_certificate_authorities::ListCertificateAuthoritiesOutput;
use aws_sdk_acmpca::types::ResourceOwner;

use super::*;
use crate::aws::RamPermission;

fn arns(listed: &ListCertificateAuthoritiesOutput) -> Vec<String> {
    listed
        .certificate_authorities()
        .iter()
        .map(|ca| ca.arn().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn the_cas_of_the_account_and_region_are_listed_in_pages() {
    let scene = Scene::new();
    scene
        .aws
        .root(KeyAlgorithm::EcPrime256v1)
        .region("us-east-1")
        .create();
    scene
        .aws
        .root(KeyAlgorithm::EcPrime256v1)
        .account("999988887777")
        .create();
    let third = scene.aws.root(KeyAlgorithm::EcPrime256v1).create();
    let first = scene
        .client
        .list_certificate_authorities()
        .max_results(2)
        .send()
        .await
        .unwrap();
    assert_eq!(arns(&first), [scene.root.arn(), scene.ca.arn()]);
    let token = first.next_token.unwrap();
    let second = scene
        .client
        .list_certificate_authorities()
        .max_results(2)
        .next_token(token)
        .send()
        .await
        .unwrap();
    assert_eq!(arns(&second), [third.arn()]);
    assert_eq!(second.next_token, None);
}

#[tokio::test]
async fn an_account_lists_what_others_share_with_it() {
    let scene = Scene::new();
    scene.ca.share_with("999988887777", RamPermission::Default);
    let other = client(
        &scene.aws,
        &scene.aws.account("999988887777").user("them"),
        REGION,
    );
    let shared = other
        .list_certificate_authorities()
        .resource_owner(ResourceOwner::OtherAccounts)
        .send()
        .await
        .unwrap();
    assert_eq!(arns(&shared), [scene.ca.arn()]);
    assert_eq!(
        arns(&other.list_certificate_authorities().send().await.unwrap()),
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn a_page_that_makes_no_sense_is_refused() {
    let scene = Scene::new();
    let token = scene
        .client
        .list_certificate_authorities()
        .next_token("nonsense")
        .send()
        .await;
    assert_eq!(said(token).0, "InvalidNextTokenException");
    let size = scene
        .client
        .list_certificate_authorities()
        .max_results(1001)
        .send()
        .await;
    assert_eq!(said(size).0, "ValidationException");
}
