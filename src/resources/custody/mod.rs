//! Who has the key of a certificate: made ready before it is ordered, kept as the user chose.

mod rules;
mod sealing;

use serde::{Deserialize, Serialize};

pub(super) use rules::{
    SUPPLIED_WITH_ITS_NUMBER, bound_otherwise, context, something_to_open, something_to_seal,
};
pub(super) use sealing::{Sealing, open};

use super::issue::{Issuance, Pending};
use super::words::{self, Instance};
use crate::clients::Clients;
use crate::kms::KeyId;
use crate::pki::{
    AlternativeNames, Fingerprint, ForeignRequest, Intended, PrivateKey, SealedKey, SecretPem,
    SigningRequest, Subject,
};
use crate::terraform::{Call, Diagnostic};

/// Where the key of a certificate that is to be issued comes from, and where it goes.
pub(super) enum Custody<'a> {
    /// Made here, and handed on to the Secret alone.
    Secret,
    /// Made here, and kept in the state in clear.
    State,
    /// Made here, and kept in the state as KMS seals it.
    Kms {
        /// How.
        sealing: Sealing,
        /// Whether it is another seal than the last one was to be.
        changed: bool,
    },
    /// The user's, for this run only.
    Supplied(&'a SecretPem),
    /// The user's, and never seen: this is their request.
    Requested(String),
}

/// What the state keeps of a key.
#[derive(Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Kept {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) private_key_pem: Option<SecretPem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) private_key_sealed: Option<SealedKey>,
}

/// A key for which a certificate can be ordered, and put to use once it is there.
pub(super) struct Ready {
    pub(super) public_key_sha256: Fingerprint,
    /// The key itself, where it is at hand.
    pub(super) key: Option<PrivateKey>,
    pub(super) kept: Kept,
}

impl Ready {
    /// A key that is at hand.
    pub(super) fn at_hand(key: PrivateKey, kept: Kept) -> Self {
        Self {
            public_key_sha256: key.public_key().sha256(),
            key: Some(key),
            kept,
        }
    }

    /// A key that is with somebody else, or sealed.
    fn elsewhere(public_key_sha256: Fingerprint, kept: Kept) -> Self {
        Self {
            public_key_sha256,
            key: None,
            kept,
        }
    }
}

/// The last key, where it is to be used again.
pub(super) enum Again {
    /// It is not.
    Never,
    /// It is at hand.
    AtHand(PrivateKey),
    /// It is where the state keeps it, and is taken out when it is needed.
    Kept(Kept),
}

impl Again {
    /// The key, with what the state keeps of it.
    async fn taken(
        self,
        call: &Call<'_, Clients>,
        instance: &Instance,
    ) -> Result<Option<(PrivateKey, Kept)>, Diagnostic> {
        match self {
            Self::Never => Ok(None),
            Self::AtHand(key) => Ok(Some((key, Kept::default()))),
            Self::Kept(kept) => {
                let key = kept.key(call, instance).await?;
                Ok(key.map(|key| (key, kept)))
            }
        }
    }
}

impl Custody<'_> {
    /// Whether a later run has the key of an order that this one leaves behind.
    pub(super) fn outlives_the_run(&self) -> bool {
        !matches!(self, Self::Secret)
    }

    /// What the user calls the KMS key that seals.
    pub(super) fn kms_key_id(&self) -> Option<&KeyId> {
        match self {
            Self::Kms { sealing, .. } => Some(&sealing.kms_key_id),
            Self::Secret | Self::State | Self::Supplied(_) | Self::Requested(_) => None,
        }
    }

    /// A key with a request for its certificate in PEM. It is kept before anything is ordered, so that no certificate
    /// is without its key. `again` is the last key, where it is to be used again.
    pub(super) async fn prepare(
        &self,
        call: &Call<'_, Clients>,
        instance: &Instance,
        settings: &Issuance,
        again: Again,
    ) -> Result<(Ready, String), Diagnostic> {
        let no_request = |problem: String| words::no_request(instance, &problem);
        if let Self::Requested(pem) = self {
            let request = ForeignRequest::from_pem(pem);
            let request = request.map_err(|error| no_request(error.to_string()))?;
            asks_for(&request, settings).map_err(no_request)?;
            let ready = Ready::elsewhere(request.public_key().sha256(), Kept::default());
            return Ok((ready, request.to_pem()));
        }
        let there = match self {
            Self::Supplied(pem) => Some((supplied(instance, pem, settings)?, Kept::default())),
            _ => again.taken(call, instance).await?,
        };
        let (key, kept) = match there {
            Some(there) => there,
            None => {
                let made = PrivateKey::generate(settings.key_algorithm);
                let made = made.map_err(|error| no_request(error.to_string()))?;
                (made, Kept::default())
            }
        };
        let request = signed(settings, &key).map_err(no_request)?;
        let kept = self.keep(call, instance, &key, kept).await?;
        Ok((Ready::at_hand(key, kept), request.to_pem()))
    }

    /// The key of an order that an earlier run left behind, where it is to be had.
    pub(super) async fn resume(
        &self,
        call: &Call<'_, Clients>,
        instance: &Instance,
        pending: &Pending,
    ) -> Result<Option<Ready>, Diagnostic> {
        let kept = pending.kept.clone();
        let found = match self {
            Self::Secret => None,
            Self::Supplied(pem) => {
                let key = PrivateKey::from_pem(pem.expose()).ok();
                key.map(|key| Ready::at_hand(key, Kept::default()))
            }
            Self::Requested(pem) => {
                let request = ForeignRequest::from_pem(pem).ok();
                request.map(|it| Ready::elsewhere(it.public_key().sha256(), Kept::default()))
            }
            Self::State => self.take_over(call, instance, kept).await?,
            Self::Kms { sealing, .. } => {
                // The step for which it was sealed may have been taken back since, and the settings are the last ones.
                let changed = pending.kms_key_id.as_ref() != Some(&sealing.kms_key_id);
                let sealing = sealing.clone();
                let custody = Self::Kms { sealing, changed };
                custody.take_over(call, instance, kept).await?
            }
        };
        let wanted = pending.public_key_sha256;
        Ok(found.filter(|ready| Some(ready.public_key_sha256) == wanted))
    }

    /// What is kept under this custody of a key that is kept under this or another one; `None` where nothing is kept.
    pub(super) async fn take_over(
        &self,
        call: &Call<'_, Clients>,
        instance: &Instance,
        kept: Kept,
    ) -> Result<Option<Ready>, Diagnostic> {
        if let (Self::Kms { sealing, changed }, Some(sealed)) = (self, &kept.private_key_sealed)
            && sealing.has_sealed(sealed, *changed)
        {
            return Ok(Some(Ready::elsewhere(sealed.public_key_sha256(), kept)));
        }
        let Some(key) = kept.key(call, instance).await? else {
            return Ok(None);
        };
        let kept = self.keep(call, instance, &key, Kept::default()).await?;
        Ok(Some(Ready::at_hand(key, kept)))
    }

    /// What the state keeps of a key; a seal that is as the user wants it is not broken.
    async fn keep(
        &self,
        call: &Call<'_, Clients>,
        instance: &Instance,
        key: &PrivateKey,
        kept: Kept,
    ) -> Result<Kept, Diagnostic> {
        match self {
            Self::Secret | Self::Supplied(_) | Self::Requested(_) => Ok(Kept::default()),
            Self::State => Ok(Kept {
                private_key_pem: Some(key.to_pem()),
                private_key_sealed: None,
            }),
            Self::Kms { sealing, changed } => {
                let sealed = kept
                    .private_key_sealed
                    .filter(|sealed| sealing.has_sealed(sealed, *changed));
                let sealed = match sealed {
                    Some(sealed) => sealed,
                    None => sealing.seal(call, instance, key).await?,
                };
                Ok(Kept {
                    private_key_pem: None,
                    private_key_sealed: Some(sealed),
                })
            }
        }
    }
}

impl Kept {
    /// The key itself, opened by KMS where it is sealed.
    pub(super) async fn key(
        &self,
        call: &Call<'_, Clients>,
        instance: &Instance,
    ) -> Result<Option<PrivateKey>, Diagnostic> {
        if let Some(sealed) = &self.private_key_sealed {
            return open(call, instance, sealed, None).await.map(Some);
        }
        let pem = self.private_key_pem.as_ref();
        Ok(pem.and_then(|pem| PrivateKey::from_pem(pem.expose()).ok()))
    }
}

fn supplied(
    instance: &Instance,
    pem: &SecretPem,
    settings: &Issuance,
) -> Result<PrivateKey, Diagnostic> {
    let key = PrivateKey::from_pem(pem.expose());
    let key = key.map_err(|error| words::bad_supplied_key(instance, &error))?;
    let (got, wanted) = (key.algorithm(), settings.key_algorithm);
    if got == wanted {
        Ok(key)
    } else {
        Err(words::other_supplied_key(instance, got, wanted))
    }
}

fn signed(settings: &Issuance, key: &PrivateKey) -> Result<SigningRequest, String> {
    let (subject, names) = named(settings)?;
    let request = SigningRequest::new(&subject, &names, settings.path_length, key);
    request.map_err(|error| error.to_string())
}

/// Whether the user's request asks for what is to be issued; else in what it does not.
pub(super) fn asks_for(request: &ForeignRequest, settings: &Issuance) -> Result<(), String> {
    let (subject, names) = named(settings)?;
    let intended = Intended {
        subject: &subject,
        names: &names,
        key_algorithm: settings.key_algorithm,
        path_length: settings
            .template_arn
            .is_none()
            .then_some(settings.path_length),
        takes_extensions: settings.template().takes_extensions(),
    };
    let departures = request.departures(&intended);
    if departures.is_empty() {
        Ok(())
    } else {
        Err(listed(&departures))
    }
}

/// Subject and alternative names of what is to be issued.
pub(super) fn named(settings: &Issuance) -> Result<(Subject, AlternativeNames), String> {
    let subject = Subject::new(settings.subject.clone()).map_err(|faults| listed(&faults))?;
    let names = AlternativeNames::new(settings.alternative_names());
    Ok((subject, names.map_err(|faults| listed(&faults))?))
}

/// Several problems in one line.
pub(super) fn listed<T: ToString>(problems: &[T]) -> String {
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    problems.join("; ")
}
