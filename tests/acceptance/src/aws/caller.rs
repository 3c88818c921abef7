//! Who calls: the holder of the key that a request was signed with.

use axum::http::request::Parts;
use jiff::{SignedDuration, Timestamp};

use super::World;
use super::accounts::Principal;
use super::asked::{Asked, Signature};
use super::service::Service;
use super::sigv4::{Presigned, Refusal, Scope, Signed};
use super::sts::real_now;

/// Who calls, and from where.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    /// The Region that the request was signed for: on AWS, whose endpoint it is.
    pub(crate) region: String,
}

/// How far ahead of STS's clock a signature may be dated.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// How old a presigned call of STS may be, whatever its `X-Amz-Expires` says.
const PRESIGNED_LIFETIME: SignedDuration = SignedDuration::from_mins(15);

impl Caller {
    /// The caller of a request; `None` if its operation needs none.
    pub(super) fn of(
        world: &World,
        asked: &Asked,
        parts: &Parts,
        body: &[u8],
    ) -> Result<Option<Self>, Refusal> {
        match asked.signature {
            Signature::None => Ok(None),
            Signature::Header => Self::by_header(world, asked.service, parts, body).map(Some),
            Signature::Query => {
                let query = parts.uri.query().unwrap_or_default();
                let header = |name: &str| super::asked::text(parts, name);
                let presigned = Presigned::read(query, "sts")?;
                Self::by_query(world, &presigned, &header, real_now()).map(Some)
            }
        }
    }

    fn by_header(
        world: &World,
        service: Service,
        parts: &Parts,
        body: &[u8],
    ) -> Result<Self, Refusal> {
        let signed = Signed::read(parts, service.signing_name())?;
        Self::holding(
            world,
            &signed.scope,
            &signed.session_token,
            real_now(),
            |secret| signed.verify(parts, body, secret),
        )
    }

    /// The caller of a presigned `GET /` of STS that is received at `now` with these headers.
    pub(super) fn by_query(
        world: &World,
        presigned: &Presigned,
        header: &dyn Fn(&str) -> Option<String>,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let caller = Self::holding(
            world,
            &presigned.scope,
            &presigned.session_token,
            now,
            |secret| presigned.verify("/", header, secret),
        )?;
        let age = now.duration_since(presigned.signed_at);
        if age < -SKEW {
            return Err(Refusal::Mismatch(format!(
                "Signature not yet current: {} is still later than {now} (+ 5 min.)",
                presigned.signed_at
            )));
        }
        if age > PRESIGNED_LIFETIME {
            return Err(Refusal::Mismatch(format!(
                "Signature expired: {} is now earlier than {now} (- 15 min.)",
                presigned.signed_at
            )));
        }
        Ok(caller)
    }

    /// The holder of the key in the scope, if `verify` takes its secret and it is good at `now`.
    fn holding(
        world: &World,
        scope: &Scope,
        session_token: &Option<String>,
        now: Timestamp,
        verify: impl FnOnce(&str) -> Result<(), Refusal>,
    ) -> Result<Self, Refusal> {
        let key = world
            .accounts()
            .key(&scope.access_key_id)
            .filter(|key| key.credentials.session_token == *session_token)
            .cloned()
            .ok_or(Refusal::UnknownKey)?;
        verify(&key.credentials.secret_access_key)?;
        if key.expires.is_some_and(|end| end <= now) {
            return Err(Refusal::Expired);
        }
        Ok(Self {
            principal: key.principal,
            region: scope.region.clone(),
        })
    }
}
