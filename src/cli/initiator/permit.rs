//! Why an initiator has its methods (F-4, I-7, I-8).

use crate::cli::{Failure, Result, argument, say};
use clap::ValueEnum;
use kdp::consent::method::Method;
use kdp::registry::{Permit, SenderRecord};
use kdp::trust::algorithm::sha256;
use std::path::Path;

/// How the basis begins on which logging mode is open: of method 4, and beside the permit of the method itself.
const LOGGING: &str = "logging mode: ";

/// What methods 2 to 4 need beside a basis.
#[derive(clap::Args)]
pub struct Proof {
    #[arg(
        help = "Test protocol of a method, or of all without N=: a file, kept by name and SHA-256, or a name; repeatable",
        long,
        value_name = "[N=]FILE-or-name"
    )]
    protocol: Vec<String>,
    /// Why method 2 is open to it: it is a bank, or it has a security operations centre and the authorised body agreed
    #[arg(long, value_enum)]
    own_means: Option<OwnMeans>,
}

#[derive(Clone, Copy, ValueEnum)]
enum OwnMeans {
    Bank,
    Soc,
}

/// The permits of `methods`, each in order; what stays of `before` is when a method was first permitted, its protocol
/// if none is given, and what logging mode rests on. `at` is Unix milliseconds.
pub fn permits(
    methods: &[Method],
    basis: &str,
    proof: &Proof,
    before: &[Permit],
    at: i64,
) -> Result<Vec<Permit>> {
    let given = proof.protocols(methods)?;
    let mut permits = Vec::new();
    for &method in methods {
        let mut earlier = before.iter().filter(|permit| !is_logging(permit));
        let earlier = earlier.find(|permit| permit.method == method);
        let named = given.iter().rev().find(|(of, _)| of.is_none_or(|of| of == method));
        let protocol = named.map(|(_, name)| name.clone()).or_else(|| earlier?.protocol.clone());
        let number = method.number();
        if method.needs_ovt() && protocol.is_none() {
            let text =
                format!("method {number} needs its test protocol (F-4, I-7, I-8): --protocol {number}=FILE");
            return Err(Failure::refused(text));
        }
        let basis = match (method, proof.own_means) {
            (Method::OwnMeans, None) => {
                return Err(Failure::refused(
                    "method 2 is open to banks, and to those with a security operations centre with whom the \
                     authorised body agreed (F-4, I-7): --own-means bank or soc says which",
                ));
            }
            (Method::OwnMeans, Some(OwnMeans::Bank)) => format!("bank: {basis}"),
            (Method::OwnMeans, Some(OwnMeans::Soc)) => format!("security operations centre: {basis}"),
            _ => basis.to_owned(),
        };
        permits.push(Permit { method, basis, protocol, since: earlier.map_or(at, |permit| permit.since) });
    }
    permits.extend(before.iter().filter(|permit| is_logging(permit)).cloned());
    Ok(permits)
}

/// Opens logging mode on a basis, or closes it. `at` is Unix milliseconds.
pub fn set_logging(record: &mut SenderRecord, basis: Option<&str>, at: i64) {
    record.allowance.logging = basis.is_some();
    record.permits.retain(|permit| !is_logging(permit));
    record.permits.extend(basis.map(|basis| Permit {
        method: Method::Logging,
        basis: format!("{LOGGING}{basis}"),
        protocol: None,
        since: at,
    }));
}

fn is_logging(permit: &Permit) -> bool {
    permit.basis.starts_with(LOGGING)
}

/// Says what is wanting before a method works.
pub fn warn_of_gaps(record: &SenderRecord) {
    let methods = &record.allowance.methods;
    if record.ovt_keys.is_empty() && methods.iter().any(|method| method.needs_ovt()) {
        say("no --ovt-key: methods 2 to 4 are refused until `kdp initiator set-ovt-keys`");
    }
    match (methods.contains(&Method::Logging), record.allowance.logging) {
        (true, false) => {
            say("method 4 is refused until `kdp initiator set-logging` opens logging mode to this BIN");
        }
        (false, true) => {
            say("logging mode is of no use until `kdp initiator set-methods` allows method 4");
        }
        _ => {}
    }
}

impl Proof {
    /// Whether nothing was given.
    pub fn is_empty(&self) -> bool {
        self.protocol.is_empty() && self.own_means.is_none()
    }

    /// Protocols as they are kept, those for one method last.
    fn protocols(&self, methods: &[Method]) -> Result<Vec<(Option<Method>, String)>> {
        let mut protocols = Vec::new();
        for text in &self.protocol {
            let (of, name) = match text.split_once('=') {
                Some((number, name)) if number.len() == 1 && number.bytes().all(|b| b.is_ascii_digit()) => {
                    let method = argument::method(number);
                    (Some(method.map_err(|why| Failure::unusable(format!("--protocol: {why}")))?), name)
                }
                _ => (None, text.as_str()),
            };
            if of.is_some_and(|of| !methods.contains(&of)) {
                return Err(Failure::unusable(format!(
                    "--protocol {text}: its method is not among --methods"
                )));
            }
            protocols.push((of, named(name)?));
        }
        protocols.sort_by_key(|(of, _)| *of);
        Ok(protocols)
    }
}

/// A protocol as it is kept: the name of a file with its digest, or a name.
fn named(text: &str) -> Result<String> {
    let path = Path::new(text);
    if !path.is_file() {
        return argument::line("--protocol", text);
    }
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let digest = kdp::store::seal::hex(&sha256(&argument::file(path)?));
    argument::line("--protocol", &format!("{name} sha256:{digest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(protocol: &[&str], own_means: Option<OwnMeans>) -> Proof {
        Proof { protocol: protocol.iter().map(|&text| text.to_owned()).collect(), own_means }
    }

    #[test]
    fn methods_two_to_four_need_a_protocol_and_method_two_says_why_it_is_open() {
        let ask = |methods: &[Method], proof: &Proof| permits(methods, "b", proof, &[], 7);
        assert!(ask(&[Method::Sms, Method::Code], &proof(&[], None)).is_ok());
        for method in [Method::OwnMeans, Method::Proactive, Method::Logging] {
            let refused = ask(&[method], &proof(&[], Some(OwnMeans::Bank))).unwrap_err();
            assert!(refused.text.contains("test protocol"), "{}", refused.text);
        }
        let refused = ask(&[Method::OwnMeans], &proof(&["p"], None)).unwrap_err();
        assert!(refused.text.contains("--own-means"), "{}", refused.text);
        let given = ask(&[Method::OwnMeans], &proof(&["p"], Some(OwnMeans::Soc))).unwrap();
        assert_eq!(given[0].basis, "security operations centre: b");
        assert!(ask(&[Method::Sms], &proof(&["2=p"], None)).is_err(), "a protocol of no method of its");
    }

    #[test]
    fn a_protocol_of_one_method_wins_over_that_of_all_and_a_kept_method_keeps_its_own() {
        let all = [Method::Sms, Method::Proactive, Method::Logging];
        let first = permits(&all, "one", &proof(&["3=own", "general"], None), &[], 7).unwrap();
        let protocols = |permits: &[Permit]| -> Vec<Option<String>> {
            permits.iter().map(|permit| permit.protocol.clone()).collect()
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(protocols(&first), [text("general"), text("own"), text("general")]);
        let second = permits(&all[1..], "two", &proof(&["4=new"], None), &first, 9).unwrap();
        assert_eq!(protocols(&second), [text("own"), text("new")]);
        assert!(second.iter().all(|permit| permit.since == 7 && permit.basis == "two"));
    }
}
