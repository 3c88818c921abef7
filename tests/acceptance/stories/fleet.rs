//! Many meshes in one stack: what a run asks of AWS does not grow with their number.

use istiopca_acceptance::cli::Cli;

use crate::world::World;

const MANY: usize = 500;

/// So many intermediates under one CA.
fn intermediates(world: &World) -> String {
    let arn = world.ca.arn();
    format!(
        r#"
resource "istiopca_intermediate" "mesh" {{
  count                     = {MANY}
  certificate_authority_arn = "{arn}"
  private_key_storage       = "state"
  subject {{
    common_name = "istio-ca.cluster-${{count.index}}"
  }}
}}
"#
    )
}

/// No more than one question of each kind since the book of calls was opened, and nothing else.
#[track_caller]
fn each_was_asked_at_most_once(world: &World) {
    let calls = world.aws.calls();
    let of_the_ca = [
        "DescribeCertificateAuthority",
        "GetCertificateAuthorityCertificate",
    ];
    for operation in of_the_ca {
        assert!(world.aws.count(operation) <= 1, "{operation}: {calls:#?}");
    }
    assert!(calls.len() <= of_the_ca.len(), "{calls:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_intermediates_ask_their_ca_once() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "fleet").await;
        world.configure(&intermediates(&world));
        world.plan(&[]).await.exit_code(2).says("500 to add");
        each_was_asked_at_most_once(&world);
        assert_eq!(world.aws.count("DescribeCertificateAuthority"), 1);
        assert_eq!(world.aws.count("GetCertificateAuthorityCertificate"), 1);

        world.aws.set_polls_before_delivery(0);
        world.apply(&[]).await.succeeds();
        world.ordered(MANY);

        // Each is looked at again, and with it the CA above it.
        world.aws.forget_calls();
        world.plan(&[]).await.exit_code(0);
        each_was_asked_at_most_once(&world);
        assert_eq!(world.aws.count("GetCertificateAuthorityCertificate"), 1);
    }
}

/// A runner that cannot reach AWS waits for it once, not once for each, and its plan stands.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_needs_nothing_from_aws_stands_without_it() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "fleet-denied").await;
        world.configure(&intermediates(&world).replace("500", "5"));
        world.apply(&[]).await.succeeds();
        let stranger = world.aws.account("444455556666").user("visitor");
        world.sign_in_as(&stranger);
        world.aws.forget_calls();
        world
            .plan(&[])
            .await
            .exit_code(0)
            .never_says("Intermediate CA");
        assert_eq!(world.aws.calls().len(), 1, "{:#?}", world.aws.calls());
    }
}
