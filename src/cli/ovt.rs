//! `kdp ovt`.

use super::{Failure, Outcome, Result, argument, say};
use kdp::clock::{Clock as _, SystemClock};
use kdp::random::{Id, SystemRandom};
use kdp::token::ovt::{self, MAX_LIFETIME, Mcheck, NewOvt};
use std::path::PathBuf;

/// Makes a verification token as an initiator does and prints it, compact, on one line.
///
/// It says how consent was obtained: BIO biometrics, DS digital signature, DID digital ID, OTP one-time password,
/// PC paper; NONE for logging mode, without consent.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp ovt --bin 260140990117 --mcheck BIO --key sandbox-data/pki/bank.key.pem --uin 800101399015"
)]
pub struct Args {
    /// BIN of the initiator
    #[arg(long)]
    bin: String,
    /// BIO, DS, DID, OTP, PC or NONE
    #[arg(long)]
    mcheck: String,
    /// The initiator's private key, PEM: RSA (RS256) or ГОСТ (GG2015, GG2004)
    #[arg(long)]
    key: PathBuf,
    /// IIN of the subject to bind the token to
    #[arg(long)]
    uin: Option<String>,
    /// How long it lives; the service takes at most 10 hours unless configured otherwise
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    minutes: u32,
    /// Date of formation, as 2026-04-01T12:00:00+05:00; now, when it is not given
    #[arg(long)]
    at: Option<String>,
    /// Name of the key, for the header
    #[arg(long)]
    kid: Option<String>,
    /// Id of the token; "random" makes one, "none" leaves it out
    #[arg(long, default_value = "random")]
    jti: String,
}

/// Makes the token.
pub fn run(args: &Args) -> Result {
    let bin = argument::bin("--bin", &args.bin)?;
    let uin = args.uin.as_deref().map(|uin| argument::iin("--uin", uin)).transpose()?;
    let mcheck = Mcheck::parse(&args.mcheck)
        .ok_or_else(|| Failure::unusable("--mcheck: must be BIO, DS, DID, OTP, PC or NONE"))?;
    let iat = argument::time("--at", args.at.as_deref())?;
    let life = i64::from(args.minutes) * 60;
    if life > MAX_LIFETIME {
        say("it lives longer than 10 hours: the service refuses it as ovt-date unless configured otherwise");
    }
    let signer = argument::private_key(&args.key)?;
    let jti = match args.jti.as_str() {
        "none" => None,
        "random" => Some(Id::new(SystemClock.now(), &SystemRandom::default())?.to_string()),
        own => Some(own.to_owned()),
    };
    let claims = NewOvt {
        cbin: bin.as_str(),
        mcheck,
        iat,
        exp: iat.saturating_add(life),
        uin: uin.as_ref().map(kdp::consent::identity::Iin::as_str),
        jti: jti.as_deref(),
    };
    Ok(Outcome::accepted(ovt::make(&claims, &*signer, args.kid.as_deref())? + "\n"))
}
