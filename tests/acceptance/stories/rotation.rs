//! The example of a root rotation, walked by its one variable.

use istiopca_acceptance::aws::CaHandle;
use istiopca_acceptance::cli::Cli;
use istiopca_acceptance::sandbox::example;
use jiff::SignedDuration;

use crate::hands::either_way;
use crate::planned::Planned;
use crate::roots::another_hierarchy;
use crate::world::{World, days};

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

/// Whether the key stays is another resource's to say, and it says so only when it is applied.
#[tokio::test(flavor = "multi_thread")]
async fn whether_a_renewal_keeps_the_key_may_be_known_only_at_apply() {
    for (cli, issuing) in either_way() {
        let mut world = World::under_a_clock(cli, "rotation-unknown").await;
        let configure = |world: &World, rotates: bool| {
            let settings = "validity = \"9d\"\n  rotate_key = terraform_data.rotates.output";
            let mesh = if issuing {
                world.issuing_secret("", settings)
            } else {
                world.intermediate_and_secret(settings, "")
            };
            let says = format!("resource \"terraform_data\" \"rotates\" {{ input = {rotates} }}");
            world.configure(&format!("{says}\n{mesh}"));
        };
        let address = if issuing {
            "istiopca_cacerts_secret.mesh"
        } else {
            "istiopca_intermediate.mesh"
        };
        configure(&world, false);
        world.apply(&[]).await.succeeds();
        let mut last = world.state(address).await["public_key_sha256"].clone();
        for rotates in [true, false] {
            world.aws.clock().advance(days(6));
            configure(&world, rotates);
            let plan = Planned::make(&mut world, &[]).await;
            plan.in_place(address).opens(&["public_key_sha256"]);
            Planned::apply(&mut world).await.succeeds();
            let now = world.state(address).await["public_key_sha256"].clone();
            assert_eq!(now != last, rotates, "whether it is another key");
            world.openssl_accepts_the_live_bundle().await;
            world.plan(&[]).await.exit_code(0);
            last = now;
        }

        // While nothing is issued, nothing of the key is open.
        configure(&world, true);
        let plan = Planned::make(&mut world, &[]).await;
        if !issuing {
            plan.in_place(address)
                .keeps(&["public_key_sha256", "private_key_pem", "certificate"]);
        }
        Planned::apply(&mut world).await.succeeds();
        world.plan(&[]).await.exit_code(0);
        world.ordered(3);
    }
}

/// The same of when it is due.
#[tokio::test(flavor = "multi_thread")]
async fn whether_a_renewal_is_due_may_be_known_only_at_apply() {
    for (cli, issuing) in either_way() {
        let mut world = World::under_a_clock(cli, "renewal-unknown").await;
        let configure = |world: &World, before: &str| {
            let settings = "validity = \"9d\"\n  renew_before = terraform_data.before.output";
            let mesh = if issuing {
                world.issuing_secret("", settings)
            } else {
                world.intermediate_and_secret(settings, "")
            };
            let says = format!("resource \"terraform_data\" \"before\" {{ input = {before:?} }}");
            world.configure(&format!("{says}\n{mesh}"));
        };
        let address = if issuing {
            "istiopca_cacerts_secret.mesh"
        } else {
            "istiopca_intermediate.mesh"
        };
        configure(&world, "1d");
        world.apply(&[]).await.succeeds();
        // It turns out to be due, and then, though it was supposed to be, not to be.
        for (before, ordered) in [("4d", 2), ("1d", 2)] {
            world.aws.clock().advance(days(6));
            configure(&world, before);
            let plan = Planned::make(&mut world, &[]).await;
            plan.in_place(address)
                .opens(&["certificate_sha256", "issue_reason"]);
            Planned::apply(&mut world).await.succeeds();
            world.ordered(ordered);
            assert_eq!(world.state(address).await["issue_reason"], "renewal");
            world.openssl_accepts_the_live_bundle().await;
            world.plan(&[]).await.exit_code(0);
        }
    }
}
