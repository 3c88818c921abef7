//! What is done for each call that concerns a data source or an ephemeral object.

use istiopca_proto::tfplugin6 as proto;

use super::lifecycle::{one, received};
use super::{Answer, Inner, LOOK};
use crate::terraform::fillable::{Filled, Manner, fill};
use crate::terraform::wire::proto as spelt;
use crate::terraform::{Diagnostic, Dynamic};

impl<C: Send + Sync, P: Send + Sync> Inner<C, P> {
    pub(super) async fn validate_data_resource_config(
        &self,
        request: proto::validate_data_resource_config::Request,
    ) -> Answer<proto::validate_data_resource_config::Response> {
        let config = request.config.as_ref();
        let problems = self.judged(Manner::Read, &request.type_name, config)?;
        let diagnostics = spelt::diagnostics(problems);
        Ok(proto::validate_data_resource_config::Response { diagnostics })
    }

    /// Never deferred: who says that it may be is still told why it cannot be read.
    pub(super) async fn read_data_source(
        &self,
        request: proto::read_data_source::Request,
    ) -> Answer<proto::read_data_source::Response> {
        let config = request.config.as_ref();
        let read = self.filled(Manner::Read, &request.type_name, config);
        let Filled { outputs, warnings } = read.await?;
        Ok(proto::read_data_source::Response {
            state: Some(spelt::dynamic_value(&outputs)),
            diagnostics: spelt::diagnostics(warnings),
            ..Default::default()
        })
    }

    pub(super) async fn validate_ephemeral_resource_config(
        &self,
        request: proto::validate_ephemeral_resource_config::Request,
    ) -> Answer<proto::validate_ephemeral_resource_config::Response> {
        let config = request.config.as_ref();
        let problems = self.judged(Manner::Opened, &request.type_name, config)?;
        let diagnostics = spelt::diagnostics(problems);
        Ok(proto::validate_ephemeral_resource_config::Response { diagnostics })
    }

    pub(super) async fn open_ephemeral_resource(
        &self,
        request: proto::open_ephemeral_resource::Request,
    ) -> Answer<proto::open_ephemeral_resource::Response> {
        let config = request.config.as_ref();
        let opened = self.filled(Manner::Opened, &request.type_name, config);
        let Filled { outputs, warnings } = opened.await?;
        Ok(proto::open_ephemeral_resource::Response {
            result: Some(spelt::dynamic_value(&outputs)),
            diagnostics: spelt::diagnostics(warnings),
            ..Default::default()
        })
    }

    /// No opening asks for it, and without another time it is asked for no more.
    pub(super) async fn renew_ephemeral_resource(
        &self,
        request: proto::renew_ephemeral_resource::Request,
    ) -> Answer<proto::renew_ephemeral_resource::Response> {
        self.opened(&request.type_name)?;
        Ok(proto::renew_ephemeral_resource::Response::default())
    }

    /// Called after each opening, also when the run was interrupted; nothing is left to let go of.
    pub(super) async fn close_ephemeral_resource(
        &self,
        request: proto::close_ephemeral_resource::Request,
    ) -> Answer<proto::close_ephemeral_resource::Response> {
        self.opened(&request.type_name)?;
        Ok(proto::close_ephemeral_resource::Response::default())
    }

    fn opened(&self, type_name: &str) -> Answer<()> {
        let known = self.provider.fillable(Manner::Opened, type_name);
        known.map(drop).map_err(one)
    }

    fn judged(
        &self,
        manner: Manner,
        type_name: &str,
        config: Option<&proto::DynamicValue>,
    ) -> Answer<Vec<Diagnostic>> {
        let schema = self.provider.fillable(manner, type_name).map_err(one)?;
        let schema = schema.schema();
        Ok(schema.judge(&received(schema, config)?))
    }

    async fn filled(
        &self,
        manner: Manner,
        type_name: &str,
        config: Option<&proto::DynamicValue>,
    ) -> Answer<Filled<Dynamic>> {
        let fillable = self.provider.fillable(manner, type_name).map_err(one)?;
        let session = self.session().map_err(one)?;
        let config = received(fillable.schema(), config)?;
        let call = session.call(self.now(), LOOK);
        fill(fillable, &call, &config).await.map_err(one)
    }
}
