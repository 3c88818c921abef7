//! The planes of Tetrate Service Express.

use std::sync::Arc;

use super::{Chapter, eks};
use crate::clients::NoCluster;
use crate::cluster::{Access, Denied};
use crate::resources::tse_handover::Plane;
use crate::resources::words::{self, Instance};

pub(super) fn chapter() -> Chapter {
    let management = Instance::plane(Plane::Management, "tse", "managementplane", None);
    let control = Instance::plane(Plane::Control, "istio-system", "controlplane", None);
    let kind = "managementplanes.install.tetrate.io";
    let denied = [Denied {
        access: Access {
            verb: "patch",
            group: "install.tetrate.io",
            resource: "managementplanes",
            subresource: "",
            namespace: "tse".to_owned(),
            name: "managementplane".to_owned(),
        },
        reason: String::new(),
    }];
    Chapter {
        title: "Tetrate Service Express",
        about: "What a handover meets. Whatever it is, one field of one object is all that is ever changed.",
        messages: vec![
            words::no_tse(&management, kind),
            words::no_plane(&management, kind),
            words::plane_denied(&management, &denied),
            words::plane_insists(&management, "spec.certIssuer.clusterIntermediateCAs is set"),
            words::taken_back(
                &management,
                Plane::Management,
                "spec.certIssuer.clusterIntermediateCAs is set",
            ),
            words::taken_back(
                &control,
                Plane::Control,
                "spec.components.xcp.centralProvidedCaCert is true",
            ),
            words::plane_gone(&management, kind),
            words::plane_gone_with_cluster(&control, &NoCluster::Eks(Arc::new(eks::absent()))),
            words::stays_handed_over(&management, Plane::Management),
            words::stays_handed_over(&control, Plane::Control),
            words::plane_elsewhere(
                &control,
                "sha256:0123456789abcdef",
                "sha256:fedcba9876543210",
            ),
            words::plane_pointed_elsewhere(&control),
        ],
    }
}
