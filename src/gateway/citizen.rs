//! БМГ through ШЭП: `MCDB_SERVICE` (wire.md 2.4), whose number is it.

use super::fault::PartyFault;
use super::shep::{Fields, ShepClient};
use super::{Answer, CitizenDirectory};
use crate::consent::identity::{Iin, Msisdn};
use crate::soap::sync_channel::Node;
use std::sync::Arc;

/// Most numbers that one person may have.
const MOST: usize = 16;

/// БМГ, asked through ШЭП.
pub struct ShepCitizens {
    shep: Arc<ShepClient>,
    service_id: String,
}

impl ShepCitizens {
    /// Asks the service `service_id`.
    #[must_use]
    pub fn new(shep: Arc<ShepClient>, service_id: String) -> Self {
        Self { shep, service_id }
    }
}

impl CitizenDirectory for ShepCitizens {
    fn numbers<'a>(&'a self, iin: &'a Iin) -> Answer<'a, Result<Vec<Msisdn>, PartyFault>> {
        Box::pin(async move {
            let data = [Node::leaf("s:iin", iin.as_str())];
            let about = ("iin", iin.as_str());
            read(&self.shep.send(&self.service_id, &data, about, &["iin", "msisdn", "status"]).await?)
        })
    }
}

/// The numbers, in their order. A number that is none makes all of them doubtful: the wrong person would be asked.
fn read(fields: &Fields) -> Result<Vec<Msisdn>, PartyFault> {
    let all = |name| fields.iter().filter(move |(own, _)| *own == name).map(|(_, text)| text.as_str());
    let mut words = all("status");
    let (Some(status), None) = (words.next(), words.next()) else { return Err(PartyFault::Content) };
    // Empty elements stand for what is not there (wire.md 1).
    let numbers: Vec<&str> = all("msisdn").filter(|text| !text.is_empty()).collect();
    let is_found = match status {
        word if word.eq_ignore_ascii_case("found") => true,
        word if word.eq_ignore_ascii_case("not-found") => false,
        _ => return Err(PartyFault::Status),
    };
    if is_found == numbers.is_empty() || numbers.len() > MOST {
        return Err(PartyFault::Content);
    }
    numbers.into_iter().map(|text| Msisdn::parse(text).ok_or(PartyFault::Content)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const IIN: &str = "800101399015";
    const NUMBER: &str = "77010000001";

    fn read_all(fields: &[(&'static str, &str)]) -> Result<Vec<String>, PartyFault> {
        let fields = fields.iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
        let numbers = read(&fields)?;
        Ok(numbers.iter().map(|number| number.as_str().to_owned()).collect())
    }

    #[test]
    fn the_numbers_come_in_their_order() {
        let second = "+77010000002";
        for status in ["found", "FOUND", "Found"] {
            let fields = [("msisdn", NUMBER), ("status", status), ("msisdn", ""), ("msisdn", second)];
            assert_eq!(read_all(&fields), Ok(vec![NUMBER.to_owned(), "77010000002".to_owned()]));
        }
        let named = [("iin", IIN), ("msisdn", NUMBER), ("status", "found")];
        assert_eq!(read_all(&named), Ok(vec![NUMBER.to_owned()]));
        for fields in [&[("status", "not-found")][..], &[("msisdn", ""), ("status", "Not-Found")]] {
            assert_eq!(read_all(fields), Ok(Vec::new()));
        }
    }

    #[test]
    fn what_makes_no_sense_gives_no_number() {
        let (found, absent) = (("status", "found"), ("status", "not-found"));
        let many = [&[found][..], &[("msisdn", NUMBER); MOST + 1]].concat();
        for (fields, fault) in [
            (&[][..], PartyFault::Content),
            (&[("msisdn", NUMBER)], PartyFault::Content),
            (&[found], PartyFault::Content),
            (&[found, ("msisdn", "")], PartyFault::Content),
            (&[absent, ("msisdn", NUMBER)], PartyFault::Content),
            (&[found, absent, ("msisdn", NUMBER)], PartyFault::Content),
            (&[found, ("msisdn", "7701000000O")], PartyFault::Content),
            (&[found, ("msisdn", NUMBER), ("msisdn", "none")], PartyFault::Content),
            (&[found, ("msisdn", "770100000017701000")], PartyFault::Content),
            (&many, PartyFault::Content),
            (&[("status", "accepted"), ("msisdn", NUMBER)], PartyFault::Status),
            (&[("status", ""), ("msisdn", NUMBER)], PartyFault::Status),
        ] {
            assert_eq!(read_all(fields), Err(fault), "{fields:?}");
        }
    }
}
