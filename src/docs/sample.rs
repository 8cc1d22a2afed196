//! Requests and answers that are shown: fixtures, each of which `tests/fixture.rs` sends to the real service.

/// A fixture with its answer.
pub struct Sample {
    /// Its file name without the ending; begins with its number.
    pub name: &'static str,
    pub request: &'static str,
    pub reply: &'static str,
}

impl Sample {
    /// Where the site has the request.
    pub fn request_path(&self) -> String {
        format!("samples/{}.request.xml", self.name)
    }

    /// Where the site has the answer.
    pub fn reply_path(&self) -> String {
        format!("samples/{}.reply.xml", self.name)
    }
}

macro_rules! sample {
    ($name:literal) => {
        Sample {
            name: $name,
            request: include_str!(concat!("../../fixtures/requests/", $name, ".xml")),
            reply: include_str!(concat!("../../fixtures/replies/", $name, ".xml")),
        }
    };
}

/// Those that pages show.
pub const SAMPLES: &[Sample] = &[
    sample!("001-shep-key-identifier.VALID"),
    sample!("002-shep-issuer-serial.VALID"),
    sample!("108-ovt-expired.INVALID.ovt-date"),
    sample!("127-uin-with-a-wrong-control-digit.ERROR.SCSE002.uin"),
    sample!("201-f6-method-1-in-order.PENDING.waiting"),
    sample!("203-f6-method-2-in-order.VALID"),
    sample!("204-f6-method-3-in-order.VALID"),
    sample!("205-f6-method-4-in-order.VALID"),
    sample!("202-f6-method-5-in-order.PENDING.waiting"),
    sample!("207-f6-method-1-sender-authenticated.KDP401"),
    sample!("470-repeat-method-1-collects-the-token.VALID"),
    sample!("501-check-active-by-code.SCSS001.active"),
    sample!("516-check-revoked-by-id.SCSS001.not-active.revoked"),
    sample!("601-log-of-a-subject.SCSS001.accesses-5"),
    sample!("651-revoke-by-token.SCSS001.open"),
    sample!("694-list-of-all.SCSS001.applications-3"),
    sample!("716-decide-refuse-by-obligation.SCSS001.refused"),
    sample!("851-sms-yes.SCSS001.heard"),
    sample!("859-sms-report-delivered.SCSS001.heard"),
    sample!("901-dry-run-method-1.INVALID.dry-run"),
];

/// The sample with this number, three digits.
pub fn find(number: &str) -> Option<&'static Sample> {
    SAMPLES.iter().find(|sample| sample.name.split_once('-').is_some_and(|(own, _)| own == number))
}
