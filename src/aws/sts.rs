//! Where STS is, and a client that asks there.

use aws_config::SdkConfig;
use aws_sdk_sts::Client;
use aws_sdk_sts::config::Builder;
use aws_sdk_sts::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};

use super::Error;
use super::error::words;

pub(super) fn client(config: &SdkConfig, endpoint: Option<&str>) -> Client {
    Client::from_conf(self::config(config, endpoint).build())
}

/// The SDK refuses an endpoint of one's own together with FIPS or dual-stack; the endpoint is what
/// was said of STS by itself, so it wins.
pub(super) fn config(config: &SdkConfig, endpoint: Option<&str>) -> Builder {
    let sts = Builder::from(config);
    match endpoint {
        Some(url) => sts.endpoint_url(url).use_fips(false).use_dual_stack(false),
        None => sts,
    }
}

pub(super) async fn host(config: &SdkConfig, region: &str) -> Result<String, Error> {
    let unknown = |reason| Error::NoSts {
        region: region.to_owned(),
        reason,
    };
    let params = Params::builder()
        .region(region)
        .set_use_fips(config.use_fips())
        .set_use_dual_stack(config.use_dual_stack())
        .build()
        .map_err(|error| unknown(error.to_string()))?;
    let resolved = DefaultResolver::new().resolve_endpoint(&params).await;
    let endpoint = resolved.map_err(|error| unknown(words(error.as_ref())))?;
    let url = endpoint.url();
    Ok(url.strip_prefix("https://").unwrap_or(url).to_owned())
}
