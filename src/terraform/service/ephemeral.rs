//! What is done for each call that concerns an ephemeral object.

use istiopca_proto::tfplugin6 as proto;

use super::lifecycle::{one, received};
use super::{Answer, Inner, LOOK};
use crate::terraform::openable::open;
use crate::terraform::wire::proto as spelt;

impl<C: Send + Sync, P: Send + Sync> Inner<C, P> {
    pub(super) async fn validate_ephemeral_resource_config(
        &self,
        request: proto::validate_ephemeral_resource_config::Request,
    ) -> Answer<proto::validate_ephemeral_resource_config::Response> {
        let ephemeral = self.provider.ephemeral(&request.type_name).map_err(one)?;
        let config = received(ephemeral.schema(), request.config.as_ref())?;
        let diagnostics = spelt::diagnostics(ephemeral.schema().judge(&config));
        Ok(proto::validate_ephemeral_resource_config::Response { diagnostics })
    }

    pub(super) async fn open_ephemeral_resource(
        &self,
        request: proto::open_ephemeral_resource::Request,
    ) -> Answer<proto::open_ephemeral_resource::Response> {
        let ephemeral = self.provider.ephemeral(&request.type_name).map_err(one)?;
        let session = self.session().map_err(one)?;
        let config = received(ephemeral.schema(), request.config.as_ref())?;
        let call = session.call(self.now(), LOOK);
        let opened = open(ephemeral, &call, &config).await.map_err(one)?;
        Ok(proto::open_ephemeral_resource::Response {
            result: Some(spelt::dynamic_value(&opened.outputs)),
            diagnostics: spelt::diagnostics(opened.warnings),
            ..Default::default()
        })
    }

    /// No opening asks for it, and without another time it is asked for no more.
    pub(super) async fn renew_ephemeral_resource(
        &self,
        request: proto::renew_ephemeral_resource::Request,
    ) -> Answer<proto::renew_ephemeral_resource::Response> {
        self.provider.ephemeral(&request.type_name).map_err(one)?;
        Ok(proto::renew_ephemeral_resource::Response::default())
    }

    /// Called after each opening, also when the run was interrupted; nothing is left to let go of.
    pub(super) async fn close_ephemeral_resource(
        &self,
        request: proto::close_ephemeral_resource::Request,
    ) -> Answer<proto::close_ephemeral_resource::Response> {
        self.provider.ephemeral(&request.type_name).map_err(one)?;
        Ok(proto::close_ephemeral_resource::Response::default())
    }
}
