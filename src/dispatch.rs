//! serviceId → handler: the table of contents. The caller's role is enforced here.

use crate::admission::Share;
use crate::app::App;
use crate::config::DataSignature;
use crate::consent::revocation::date;
use crate::fault::Fault;
use crate::random::Id;
use crate::registry::{Auth, Role, Sender};
use crate::service::payload::{DataError, Fields, Payload};
use crate::service::{
    access_request, check_token, list_to_revoke, personal_data, revoke, send_solution, sms_reply,
};
use crate::soap::sync_channel::{Call, K, P, Reply, RequestInfo, S};
use crate::store::Record;
use crate::store::seal::{self, Seal};
use crate::text::{FaultCode, Reason};
use crate::trust::certificate::Certificate;
use crate::trust::{Signer, Verified};
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;

/// Who calls, with what, when: made from a verified message only.
pub struct Caller {
    /// The authenticated sender.
    pub sender: Arc<Sender>,
    /// Around the payload.
    pub info: RequestInfo,
    /// Digest of the verified Body.
    pub digest: [u8; 32],
    /// The one reading of the clock, Unix milliseconds.
    pub at: i64,
    /// Id of the decision that the answer carries.
    pub decision: Id,
}

impl Caller {
    /// The journal record of what happens to this message.
    #[must_use]
    pub fn record(&self, kind: &'static str, outcome: &str) -> Record {
        Record {
            at: self.at,
            kind,
            decision: Some(self.decision),
            sender: self.sender.record.sender_id.clone(),
            message: Some(self.digest),
            message_id: self.info.message_id.clone(),
            service: self.info.service_id.clone(),
            outcome: outcome.to_owned(),
            ..Record::default()
        }
    }
}

/// How far `messageDate` of a strict sender may lie back and ahead, milliseconds (wire.md 5).
const DATE_BACK: i64 = 24 * 3_600_000;
const DATE_AHEAD: i64 = 5 * 60_000;

/// Detail of KDP429 for a sender with its share of what is in flight.
pub const OVER_SHARE: &str = "the sender has as many exchanges in flight as one may have";

/// A call whose sender proved itself and may use the service; nothing of it is done yet.
pub struct Admitted<'s> {
    /// Who calls.
    pub caller: Caller,
    /// What is called.
    pub service: Service,
    /// With what.
    pub payload: Payload,
    /// Of what is in flight, the sender's, while it lasts.
    _share: Share<'s>,
}

/// Authenticates the sender and hands the call to its service.
///
/// # Errors
/// Those of [`admit`], KDP409, and what the service answers with.
pub async fn dispatch(
    app: &App,
    verified: &Verified<'_, '_>,
    call: Call<'_, '_>,
    at: i64,
    decision: Id,
) -> Result<(Caller, Reply), Fault> {
    let Admitted { caller, service, payload, _share } = admit(app, verified, call, at, decision).await?;
    let payload = strict(app, &caller, payload).await?;
    let reply = match service {
        Service::AccessRequest => access_request::handle(app, &caller, payload).await?,
        Service::PersonalData => personal_data::handle(app, &caller, payload).await?,
        Service::ListToRevoke => list_to_revoke::handle(app, &caller, payload).await?,
        Service::SendSolution => send_solution::handle(app, &caller, payload).await?,
        Service::CheckToken => check_token::handle(app, &caller, payload).await?,
        Service::Revoke => revoke::handle(app, &caller, payload).await?,
        Service::SmsReply => sms_reply::handle(app, &caller, payload).await?,
    };
    Ok((caller, reply))
}

/// Authenticates the sender of a call.
///
/// # Errors
/// KDP401, KDP429, SCE004, KDP403, SCE015 to 017.
pub async fn admit<'s>(
    app: &'s App,
    verified: &Verified<'_, '_>,
    call: Call<'_, '_>,
    at: i64,
    decision: Id,
) -> Result<Admitted<'s>, Fault> {
    let service = app.config.services.find(&call.info.service_id);
    // An unknown service must not tell an unauthenticated sender anything: its data are read all the same.
    let (namespace, names) = service.unwrap_or(Service::AccessRequest).payload();
    let wanted = verified.signer().peer.data_signature;
    let payload = match wanted {
        DataSignature::Ignored => Payload::read(call.data, namespace, names)?,
        DataSignature::Required | DataSignature::Subject => {
            let trust = app.trust();
            Payload::read_signed(call.data, namespace, names, &|signed| trust.signatories(signed, at / 1000))?
        }
    };
    let proof = Proof::of(app, Some(verified.signer()), &call.info, payload.auth_token.as_ref());
    let sender = proof.sender()?;
    let Some(share) = app.shares.take(&sender.record.sender_id, app.limits().share()) else {
        app.metrics.over_share.inc();
        return Err(Fault::new(FaultCode::TooMany, OVER_SHARE));
    };
    let caller = Caller { sender, info: call.info, digest: *verified.digest(), at, decision };
    let service =
        service.ok_or_else(|| Fault::new(FaultCode::ServiceUnknown, "serviceId names no service"))?;
    if caller.sender.record.role != service.role() {
        return Err(Fault::new(
            FaultCode::SenderForbidden,
            format!("this service is for the role {}", service.role().as_str()),
        ));
    }
    data_signed(app, wanted, service, &caller, &payload).await?;
    Ok(Admitted { caller, service, payload, _share: share })
}

/// The services that are offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// `KDP_SERVICE`.
    AccessRequest,
    /// `KDP_PERSONALDATA`.
    PersonalData,
    /// `KDP_LIST_TO_REVOKE`.
    ListToRevoke,
    /// `KDP_SEND_SOLUTION`.
    SendSolution,
    /// `KDP_CHECK_TOKEN`.
    CheckToken,
    /// `KDP_REVOKE`.
    Revoke,
    /// `KDP_SMS_REPLY`.
    SmsReply,
}

impl Service {
    /// Who may call it (wire.md 2).
    #[must_use]
    pub fn role(self) -> Role {
        match self {
            Self::AccessRequest | Self::ListToRevoke | Self::SendSolution => Role::Initiator,
            Self::PersonalData | Self::Revoke => Role::Egov,
            Self::CheckToken => Role::Owner,
            Self::SmsReply => Role::Sms,
        }
    }

    /// Whether it understands these data of a sender at `at` (Unix milliseconds).
    ///
    /// # Errors
    /// [`DataError`]: it would answer SCSE002.
    pub fn reads(self, fields: &Fields, sender: &Sender, at: i64) -> Result<(), DataError> {
        match self {
            Self::AccessRequest => access_request::Request::read(fields, sender).map(drop),
            Self::PersonalData => personal_data::Request::read(fields).map(drop),
            Self::ListToRevoke => list_to_revoke::Request::read(fields).map(drop),
            Self::SendSolution => send_solution::Request::read(fields, date(at)).map(drop),
            Self::CheckToken => check_token::Request::read(fields, at).map(drop),
            Self::Revoke => revoke::Request::read(fields).map(drop),
            Self::SmsReply => sms_reply::Request::read(fields).map(drop),
        }
    }

    /// Namespace and names of the elements of its data.
    #[must_use]
    pub fn payload(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::AccessRequest => (K, access_request::NAMES),
            Self::PersonalData => (P, personal_data::NAMES),
            Self::ListToRevoke => (S, list_to_revoke::NAMES),
            Self::SendSolution => (S, send_solution::NAMES),
            Self::CheckToken => (S, check_token::NAMES),
            Self::Revoke => (S, revoke::NAMES),
            Self::SmsReply => (S, sms_reply::NAMES),
        }
    }

    /// Label in metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::AccessRequest => "KDP_SERVICE",
            Self::PersonalData => "KDP_PERSONALDATA",
            Self::ListToRevoke => "KDP_LIST_TO_REVOKE",
            Self::SendSolution => "KDP_SEND_SOLUTION",
            Self::CheckToken => "KDP_CHECK_TOKEN",
            Self::Revoke => "KDP_REVOKE",
            Self::SmsReply => "KDP_SMS_REPLY",
        }
    }
}

/// What a message brings to prove its sender: of use to the service as a whole only, and by its parts to who explains.
pub(crate) struct Proof {
    /// The sender that it names, if it is registered.
    pub registered: Option<Arc<Sender>>,
    /// Whether `sender/password` is right.
    pub password: bool,
    /// Whether `auth_token` is right.
    pub token: bool,
    /// Whether who signed may speak for the sender.
    pub speaks: bool,
}

impl Proof {
    /// Holds the secrets of a message against those of the sender that it names; `signer` is who signed it.
    #[must_use]
    pub fn of(
        app: &App,
        signer: Option<&Signer>,
        info: &RequestInfo,
        auth_token: Option<&SecretString>,
    ) -> Self {
        let registry = app.registry();
        let sender = registry.senders.get(&info.sender_id);
        // Hashed for a sender that nobody knows too: time must not tell which ids exist.
        let right = |kind, stored: Option<&String>, given: Option<&SecretString>| {
            let Some(given) = given else { return false };
            let hash = secret_hash(&*app.seal, kind, &info.sender_id, given.expose_secret());
            let stored = stored.and_then(|hex| seal::unhex(hex));
            let equal =
                aws_lc_rs::constant_time::verify_slices_are_equal(&hash, &stored.unwrap_or_default()).is_ok();
            equal & stored.is_some()
        };
        let record = sender.map(|sender| &sender.record);
        let password = right("password", record.and_then(|r| r.password.as_ref()), info.password.as_ref());
        let token = right("token", record.and_then(|r| r.token.as_ref()), auth_token);
        let speaks = sender
            .zip(signer)
            .is_some_and(|(sender, signer)| signer.speaks_for(&info.sender_id, &sender.bin));
        Self { registered: sender.cloned(), password, token, speaks }
    }

    /// Whether the secrets are right that the sender must bring.
    #[must_use]
    pub fn is_proved(&self) -> bool {
        self.registered.as_ref().is_some_and(|sender| match sender.record.auth {
            Auth::Password => self.password,
            Auth::Token => self.token,
            Auth::Both => self.password & self.token,
        })
    }

    /// Sender known, signer may speak for it, secrets right.
    ///
    /// # Errors
    /// KDP401 for anything else, without telling which.
    pub fn sender(self) -> Result<Arc<Sender>, Fault> {
        let authenticated = self.is_proved() && self.speaks;
        self.registered.filter(|_| authenticated).ok_or_else(|| {
            Fault::new(FaultCode::SenderNotAuthenticated, "sender is unknown or did not prove itself")
        })
    }
}

/// The keyed hash under which a login secret is stored; `kind` is `password` or `token`.
#[must_use]
pub fn secret_hash(seal: &dyn Seal, kind: &'static str, sender_id: &str, secret: &str) -> [u8; 32] {
    seal.hash(kind, &[sender_id.as_bytes(), secret.as_bytes()])
}

/// Whether the data are signed as is wanted of the peer: every signature holds, and one is by whom it must be.
async fn data_signed(
    app: &App,
    wanted: DataSignature,
    service: Service,
    caller: &Caller,
    payload: &Payload,
) -> Result<(), Fault> {
    let field = |name| payload.fields.as_ref().ok().and_then(|fields| fields.get(name));
    let (is_meant, whose): (&(dyn Fn(&Certificate) -> bool + Sync), _) = match wanted {
        DataSignature::Required => (
            &|certificate| certificate.speaks_for(&caller.sender.bin),
            "BIN of the sender, of whom may sign for it",
        ),
        DataSignature::Subject if service == Service::Revoke && field("applicant") == Some("subject") => (
            &|certificate| certificate.iin.as_deref().is_some_and(|iin| Some(iin) == field("uin")),
            "IIN of the subject",
        ),
        DataSignature::Subject | DataSignature::Ignored => return Ok(()),
    };
    let signatories = payload.signatories.as_ref().map_err(|error| Fault::from(*error))?;
    if !signatories.iter().any(|signatory| is_meant(&signatory.certificate)) {
        let detail = format!("no signature on the data is by a certificate with the {whose}");
        return Err(Fault::new(FaultCode::DataCertificate, detail));
    }
    Ok(app.trust().are_in_force(signatories, caller.at / 1000).await?)
}

/// What strict senders asked for: one messageId, one body; and a date that is not far off.
async fn strict(app: &App, caller: &Caller, payload: Payload) -> Result<Payload, Fault> {
    if !caller.sender.record.strict {
        return Ok(payload);
    }
    let info = &caller.info;
    let sender = info.sender_id.clone();
    if app.store.conflicts(sender, info.message_id.clone(), caller.digest, caller.at).await? {
        return Err(Fault::new(FaultCode::MessageIdReused, "messageId was used for another body"));
    }
    Ok(match near(caller) {
        Ok(()) => payload,
        Err(error) => Payload { fields: Err(error), ..payload },
    })
}

/// Whether the date of a strict sender's message is not far off.
///
/// # Errors
/// [`Reason::MessageDate`].
pub fn near(caller: &Caller) -> Result<(), DataError> {
    let distance = caller.at - caller.info.message_date;
    if !caller.sender.record.strict || (-DATE_AHEAD..=DATE_BACK).contains(&distance) {
        return Ok(());
    }
    Err(DataError::new(Reason::MessageDate, "messageDate", crate::text::Flaw::FarDate))
}
