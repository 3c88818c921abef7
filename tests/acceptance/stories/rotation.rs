//! The example of a root rotation, walked by its one variable.

use istiopca_acceptance::aws::CaHandle;
use istiopca_acceptance::cli::Cli;
use istiopca_acceptance::sandbox::example;
use jiff::SignedDuration;

use crate::roots::another_hierarchy;
use crate::world::World;

/// Lays the example out in this world: its provider and its namespace, and nothing else of it.
fn lay_out(world: &World, next: &CaHandle) {
    world.configure("");
    let provider = String::from_utf8(world.dir.read("main.tf")).unwrap();
    let namespace = &world.namespace;
    let secret = format!(
        "resource \"istiopca_cacerts_secret\" \"mesh\" {{\n  namespace = \"{namespace}\"\n}}\n"
    );
    let here = format!("{provider}{secret}");
    world.dir.write("here_override.tf", &here);
    world.dir.copy(&example("root-rotation")).unwrap();
    let of = |ca: &CaHandle, age: &str| {
        let (arn, root) = (ca.arn(), ca.root_pem());
        format!(
            "{age}_certificate_authority_arn = \"{arn}\"\n{age}_root_pem = <<EOT\n{root}\nEOT\n"
        )
    };
    let variables = of(&world.ca, "old") + &of(next, "new");
    world.dir.write("mesh.auto.tfvars", &variables);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_goes_from_one_root_to_the_other_by_its_variable() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "rotation").await;
        let clock = world.aws.clock();
        let (_, next) = another_hierarchy(&world);
        lay_out(&world, &next);
        world.apply(&[]).await.succeeds();
        let roots = async |world: &World| {
            let file = world.file("root-cert.pem").await;
            std::fs::read_to_string(file).unwrap()
        };
        let old = roots(&world).await;

        // A step that is left out.
        let refused = world.plan(&["-var=stage=signing"]).await;
        refused
            .exit_code(1)
            .says("the trusted roots would change at once");
        for (stage, orders) in [("trusted", 1), ("signing", 2), ("new", 2)] {
            let stage = format!("-var=stage={stage}");
            world.apply(&[&stage]).await.succeeds();
            world.ordered(orders);
            world.openssl_accepts_the_live_bundle().await;
            world.plan(&[&stage]).await.exit_code(0);
            clock.advance(SignedDuration::from_hours(23));
            if stage.ends_with("trusted") {
                let early = world.plan(&["-var=stage=signing"]).await;
                early.exit_code(1).says("it is too early for this step");
                // What was begun can be taken back.
                world.plan(&["-var=stage=old"]).await.exit_code(2);
            }
            clock.advance(SignedDuration::from_hours(1));
        }
        let new = roots(&world).await;
        assert_eq!(new.trim(), next.root_pem().trim());
        assert_ne!(new, old);
    }
}
