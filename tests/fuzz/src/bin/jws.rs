//! Tokens: verification tokens under registered keys of RSA and both of ГОСТ, and security tokens; as they
//! come, and signed anew.

#![no_main]

use kdp::token::jwks::{self, KeySet};
use kdp::token::jws::{self, Unverified};
use kdp::token::ovt::{
    self, ACCEPTED, ACCEPTED_WITH_GG2004, LEEWAY, MAX_LIFETIME, Mcheck, NewOvt, Ovt, OvtError, OvtKey,
};
use kdp::token::rsa::VerifyingKey;
use kdp::token::security::{self, TokenError};
use kdp::trust::algorithm::SignatureAlgorithm;
use kdp::trust::gost::Scheme;
use kdp::trust::sign::{GostSigner, RsaSigner, Signer};
use kdp_fuzz::world::{self, NOW};
use kdp_fuzz::{seed, token};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use std::collections::HashSet;
use std::sync::LazyLock;

struct World {
    signers: Vec<Box<dyn Signer>>,
    keys: Vec<OvtKey>,
    issuer: RsaSigner,
    issued: KeySet,
    /// Header and payload of the seeds.
    signed: HashSet<String>,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    // One key for both kinds of tokens, which must be told from each other all the same.
    let (signers, issuer) = (signers(), world::rsa("bank"));
    let registered = signers.iter().map(|signer| OvtKey::from_spki_der(signer.public_key_spki(), None));
    let keys = registered.collect::<Result<_, _>>().expect("keys of memory are keys");
    let key = VerifyingKey::from_spki_der(issuer.public_key_spki(), Some("token-1".to_owned()));
    let issued = KeySet::new(vec![key.expect("a key of the fixtures")]).expect("one key is a set");
    let texts = seeds().into_iter().filter_map(|seed| String::from_utf8(seed).ok());
    let signed = texts.filter_map(|text| token::signed(&text).map(str::to_owned)).collect();
    World { signers, keys, issuer, issued, signed }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    token::mutate(data, size, max_size, seed)
});

fuzz_target!(init: seed::write_if_asked(&seeds()), |data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = (jws::unverified_kid(text), jws::unverified_jti(text));
    let _ = (jwks::from_jwk(text), KeySet::from_jwks(text));
    let read = ovt::verify(text, &WORLD.keys, &ACCEPTED_WITH_GG2004);
    let issued = security::read(text, &WORLD.issued);
    for accepted in [read.is_ok(), issued.is_ok()] {
        let signed = token::signed(text).unwrap_or_default();
        assert!(!accepted || WORLD.signed.contains(signed), "a token is believed that nobody signed");
    }
    assert!(read.is_err() || issued.is_err(), "a token of one kind passes for the other");
    if read == Err(OvtError::Signature) {
        verification_token(text);
    }
    if issued == Err(TokenError::Signature) {
        let signed = token::signed(text).expect("all but the signature was read");
        let signature = WORLD.issuer.sign(signed.as_bytes()).expect("a key of memory signs");
        if let Ok(claims) = security::read(&token::compact(signed, &signature), &WORLD.issued) {
            assert_eq!(claims.sub, claims.uin);
            for (at, leeway) in [(NOW, 0), (i64::MIN, i64::MAX), (i64::MAX, i64::MAX)] {
                let _ = claims.check_times(at, leeway);
            }
        }
    }
});

/// The claims of a token are reached by those that its key signed alone.
fn verification_token(text: &str) {
    let signed = token::signed(text).expect("all but the signature was read");
    let fits = |key: &dyn Signer| Unverified::parse_as(text, &[key.algorithm()]).is_ok();
    let key = WORLD.signers.iter().find(|key| fits(&***key)).expect("all but the signature was read");
    let signature = key.sign(signed.as_bytes()).expect("a key of memory signs");
    let again = token::compact(signed, &signature);
    let Ok(read) = ovt::verify(&again, &WORLD.keys, &ACCEPTED_WITH_GG2004) else { return };
    let is_gg2004 = key.algorithm() == SignatureAlgorithm::Gost2004;
    assert_eq!(ovt::verify(&again, &WORLD.keys, &ACCEPTED).is_ok(), !is_gg2004, "GG2004 is behind a switch");
    assert!(security::read(&again, &WORLD.issued).is_err(), "a token of one kind passes for the other");
    judge(&read);
}

fn judge(read: &Ovt) {
    for at in [i64::MIN, 0, i64::MAX] {
        let _ = (read.check_dates(at, LEEWAY, MAX_LIFETIME), read.check_dates(at, i64::MAX, i64::MAX));
    }
    let Ok(dates) = read.check_dates(NOW, LEEWAY, MAX_LIFETIME) else { return };
    assert!(dates.iat < dates.exp && dates.exp - dates.iat <= MAX_LIFETIME);
    assert!(dates.iat <= NOW + LEEWAY && NOW < dates.exp + LEEWAY);
    let Some(mcheck) = read.mcheck else { return };
    // What is read and made again says the same.
    let claims = NewOvt {
        cbin: &read.cbin,
        mcheck,
        iat: dates.iat,
        exp: dates.exp,
        uin: read.uin.as_deref(),
        jti: read.jti.as_deref(),
    };
    let made = ovt::make(&claims, &*WORLD.signers[0], None).expect("a key of memory signs");
    let again = ovt::verify(&made, &WORLD.keys, &ACCEPTED_WITH_GG2004).expect("what is made is read");
    assert_eq!(
        (&again.cbin, again.mcheck, &again.uin, &again.jti),
        (&read.cbin, read.mcheck, &read.uin, &read.jti)
    );
    assert_eq!(again.check_dates(NOW, LEEWAY, MAX_LIFETIME), Ok(dates));
}

/// The fastest first.
fn signers() -> Vec<Box<dyn Signer>> {
    let gost = |scheme| -> GostSigner { world::gost(scheme, 9) };
    vec![Box::new(gost(Scheme::Gost2004)), Box::new(world::rsa("bank")), Box::new(gost(Scheme::Gost2015))]
}

fn seeds() -> Vec<Vec<u8>> {
    let claims = NewOvt {
        cbin: "260140990117",
        mcheck: Mcheck::Biometrics,
        iat: NOW - 60,
        exp: NOW + 3600,
        uin: Some("800101399015"),
        jti: Some("01J9Z4"),
    };
    let payloads = [
        r#"{"cbin":"260140990117","mcheck":"otp","iat":1775026800.5,"exp":1775030400,"nbf":1775026800}"#,
        r#"{"cbin":"260140990117","mcheck":"NONE","iat":1775026800,"exp":1775030400,"x":[{},1e3,"\u0416"]}"#,
        r#"{"cbin":"260140990117","mcheck":"DS","iat":-1,"exp":99999999999999999999}"#,
    ];
    let mut seeds: Vec<String> = Vec::new();
    for (signer, names) in
        signers().iter().zip([&["GG2004"][..], &["RS256"], &["GG2015", "GOST15", "GOST3410-2015-512"]])
    {
        seeds.push(ovt::make(&claims, &**signer, Some("k")).expect("a key of memory signs"));
        // A token of ГОСТ-512 takes as long as ten others.
        let few = if names.len() > 1 { 1 } else { payloads.len() };
        let payloads = payloads.iter().take(few);
        for (name, payload) in
            names.iter().flat_map(|name| payloads.clone().map(move |payload| (name, payload)))
        {
            let signed = token::encoded(&format!(r#"{{"alg":"{name}","typ":"JWT"}}"#), payload);
            let signature = signer.sign(signed.as_bytes()).expect("a key of memory signs");
            seeds.push(token::compact(&signed, &signature));
        }
    }
    let bank = world::rsa("bank");
    let carrying =
        format!(r#"{{"alg":"RS256","x5c":["{}"]}}"#, world::base64(world::certificate("bank.cert").der()));
    for header in [&carrying, r#"{"alg":"none"}"#, r#"{"alg":"HS256","crit":["b64"],"b64":false}"#] {
        let signed = token::encoded(header, payloads[0]);
        let signature = bank.sign(signed.as_bytes()).expect("a key of memory signs");
        seeds.push(token::compact(&signed, &signature));
    }
    let security = concat!(
        r#"{"iss":"https://kdp.example","jti":"01J9Z4","iat":1775026800,"nbf":1775026800,"exp":1775030400,"#,
        r#""sub":"800101399015","uin":"800101399015","cbin":"260140990117","services":["GBDFLUniversal_token"],"#,
        r#""method":2,"mcheck":"BIO","rid":"r-1","data":"x","edition":"144"}"#,
    );
    let signed = token::encoded(r#"{"typ":"JWT","alg":"RS256","kid":"token-1"}"#, security);
    let signature = bank.sign(signed.as_bytes()).expect("a key of memory signs");
    seeds.push(token::compact(&signed, &signature));
    seeds.into_iter().map(String::into_bytes).collect()
}
