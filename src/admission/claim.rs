//! What messages claim before anybody has verified them, and which claims have held. It orders the queue and nothing else.

use super::gate::{Line, Spot};
use memchr::{memchr, memchr3, memmem};
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, Hash as _, Hasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How far into a message its claim is looked for, bytes.
const SEARCHED: usize = 64 << 10;
/// Longest name and secret that are looked for, bytes.
const LONGEST: usize = 1024;
/// Claims that are remembered of a sender: its networks, and the secrets that it uses there.
const REMEMBERED: usize = 16;

/// Who a message says it is from, and from where it comes.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'m> {
    network: IpAddr,
    /// senderId, if somebody is registered by it.
    name: Option<&'m str>,
    /// Keyed hash of the secrets that stand in it.
    secrets: u64,
}

/// The claims that held last.
#[derive(Default)]
pub struct Claims {
    key: RandomState,
    /// Of each sender that has proved itself, the last one first.
    held: Mutex<HashMap<String, VecDeque<Held>>>,
}

/// A claim that held.
struct Held {
    network: IpAddr,
    secrets: u64,
}

impl Claims {
    fn held(&self) -> MutexGuard<'_, HashMap<String, VecDeque<Held>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the claim of a message from a [`network`](super::network).
    pub fn read<'m>(
        &self,
        network: IpAddr,
        message: &'m [u8],
        is_registered: impl FnOnce(&str) -> bool,
    ) -> Claim<'m> {
        let (mut name, mut secrets) = (None, self.key.build_hasher());
        for (tag, after) in Tags(message.get(..SEARCHED).unwrap_or(message)) {
            match tag {
                b"senderId" if name.is_none() => {
                    name = text(after).and_then(|text| std::str::from_utf8(text).ok()).map(str::trim);
                }
                b"password" | b"auth_token" => (tag, text(after)).hash(&mut secrets),
                _ => {}
            }
        }
        Claim { network, name: name.filter(|name| is_registered(name)), secrets: secrets.finish() }
    }

    /// Where a message with this claim stands. Within the line of its sender, those on connections whose last message held
    /// have every second turn: who knows the secrets and no key cannot take those.
    #[must_use]
    pub fn spot(&self, claim: &Claim<'_>, has_held: bool) -> Spot {
        let Some(name) = claim.name else { return Spot::stranger(claim.network) };
        let is_known = self.held().get(name).is_some_and(|own| own.iter().any(|held| claim.is(held)));
        let line = if is_known { Line::Sender(name.to_owned()) } else { Line::Network(claim.network) };
        Spot { line, claimed: (!is_known || !has_held).then(|| name.to_owned()) }
    }

    /// A message with this claim was verified as one of `sender`, who may be another than was read before.
    pub fn hold(&self, claim: &Claim<'_>, sender: &str) {
        if claim.name != Some(sender) {
            return;
        }
        let mut held = self.held();
        let Some(own) = held.get_mut(sender) else {
            held.insert(sender.to_owned(), VecDeque::from([claim.held()]));
            return;
        };
        let place = own.iter().position(|held| claim.is(held));
        if place == Some(0) {
            return;
        }
        let known = place.and_then(|place| own.remove(place)).unwrap_or_else(|| claim.held());
        own.truncate(REMEMBERED - 1);
        own.push_front(known);
    }
}

impl Claim<'_> {
    fn is(&self, held: &Held) -> bool {
        (self.network, self.secrets) == (held.network, held.secrets)
    }

    fn held(&self) -> Held {
        Held { network: self.network, secrets: self.secrets }
    }
}

/// The local names of the tags of bytes that nobody has parsed, each with what follows it. Comments, CDATA sections and
/// processing instructions hold none.
struct Tags<'m>(&'m [u8]);

impl<'m> Iterator for Tags<'m> {
    type Item = (&'m [u8], &'m [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let start = memchr(b'<', self.0)?;
            let rest = self.0.get(start..)?;
            let hidden = [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")];
            if let Some((open, close)) =
                hidden.into_iter().find(|(open, _)| rest.starts_with(open.as_bytes()))
            {
                let inside = rest.get(open.len()..)?;
                let end = memmem::find(inside, close.as_bytes())?;
                self.0 = inside.get(end + close.len()..)?;
                continue;
            }
            let (tag, after) = rest.split_at_checked(end_of_tag(rest)?)?;
            self.0 = after.get(1..)?;
            let name = tag.get(1..)?.split(|byte| b" \t\r\n/".contains(byte)).next()?;
            // An end tag has an empty name.
            return Some((name.rsplit(|byte| *byte == b':').next()?, self.0));
        }
    }
}

/// Where the `>` is that ends the tag in front: one within quotes does not.
fn end_of_tag(rest: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr3(b'>', b'"', b'\'', rest.get(at..)?)?;
        let quote = *rest.get(at)?;
        if quote == b'>' {
            return Some(at);
        }
        at += 1;
        at += memchr(quote, rest.get(at..)?)? + 1;
    }
}

/// The text up to the next tag.
fn text(after: &[u8]) -> Option<&[u8]> {
    let near = after.get(..LONGEST).unwrap_or(after);
    let end = memchr(b'<', near)?;
    near.get(..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn name(message: &str) -> Option<String> {
        Claims::default().read(HOME, message.as_bytes(), |_| true).name.map(str::to_owned)
    }

    fn message(name: &str, password: &str) -> Vec<u8> {
        format!("<a><sender><senderId>{name}</senderId><password>{password}</password></sender></a>").into()
    }

    fn own(name: &str) -> Line {
        Line::Sender(name.to_owned())
    }

    #[test]
    fn the_claimed_name_is_found_in_both_wrappers_and_nothing_else_is_taken_for_it() {
        for (message, expected) in [
            ("<a><sender><senderId>bank</senderId></sender></a>", Some("bank")),
            ("<k:a><k:senderId a='1'> bank </k:senderId></k:a>", Some("bank")),
            ("<a><senderId/>", None),
            ("<a><senderId>bank", None),
            ("<a>senderId", None),
            ("", None),
            ("<", None),
            ("</senderId>bank<", None),
            ("<xsenderId>bank</xsenderId>", None),
            ("<!-- <senderId>bank</senderId> --><senderId>b</senderId>", Some("b")),
            ("<![CDATA[<senderId>bank</senderId>]]><senderId>b</senderId>", Some("b")),
            ("<?a <senderId>bank</senderId>?><senderId>b</senderId>", Some("b")),
            ("<a b='><senderId>bank</senderId>' c=\"'\"><senderId>b</senderId>", Some("b")),
            ("<!-- <senderId>bank</senderId>", None),
        ] {
            assert_eq!(name(message).as_deref(), expected, "{message}");
        }
        assert_eq!(name(&format!("<senderId>{}</senderId>", "a".repeat(2000))), None);
        assert_eq!(name(&format!("{}<senderId>a</senderId>", " ".repeat(SEARCHED))), None);
        let claims = Claims::default();
        assert_eq!(claims.read(HOME, b"<senderId>\xff</senderId>", |_| true).name, None);
        assert_eq!(claims.read(HOME, b"<senderId>a</senderId>", |_| false).name, None);
    }

    #[test]
    fn only_a_claim_that_held_stands_in_the_senders_own_line_and_only_from_where_it_held() {
        let (claims, good, guess) = (Claims::default(), message("bank", "right"), message("bank", "wrong"));
        let elsewhere = IpAddr::from([127, 0, 0, 2]);
        let read = |network, message| claims.read(network, message, |_| true);
        let stranger = |network| Spot { line: Line::Network(network), claimed: Some("bank".to_owned()) };
        assert_eq!(claims.spot(&read(HOME, &good), true), stranger(HOME));
        claims.hold(&read(HOME, &good), "bank");
        assert_eq!(claims.spot(&read(HOME, &good), false).line, own("bank"));
        assert_eq!(claims.spot(&read(HOME, &guess), true), stranger(HOME), "who does not know the password");
        assert_eq!(claims.spot(&read(elsewhere, &good), true), stranger(elsewhere));
    }

    #[test]
    fn within_a_line_connections_that_held_last_have_turns_of_their_own() {
        let (claims, good) = (Claims::default(), message("bank", "right"));
        let claim = claims.read(HOME, &good, |_| true);
        claims.hold(&claim, "bank");
        let (held, new) = (claims.spot(&claim, true), claims.spot(&claim, false));
        assert_eq!(held.line, new.line);
        assert_ne!(held.claimed, new.claimed);
    }

    #[test]
    fn a_name_that_stands_before_the_senders_own_gains_it_nothing() {
        let claims = Claims::default();
        let mut both = b"<h><senderId>bank</senderId></h>".to_vec();
        both.extend(message("small", "of small"));
        let claim = claims.read(HOME, &both, |_| true);
        assert_eq!(claim.name, Some("bank"));
        (0..100).for_each(|_| claims.hold(&claim, "small"));
        assert_eq!(claims.spot(&claim, true).line, Line::Network(HOME), "it is nobody's claim");
    }

    #[test]
    fn nobody_makes_the_claims_of_others_forgotten_and_the_last_ones_stay() {
        let claims = Claims::default();
        let of = |n: u32| message("bank", &n.to_string());
        let other = message("small", "own");
        claims.hold(&claims.read(HOME, &other, |_| true), "small");
        for n in 0..10_000 {
            claims.hold(&claims.read(HOME, &of(n), |_| true), "bank");
        }
        let line = |message: &[u8]| claims.spot(&claims.read(HOME, message, |_| true), false).line;
        assert_eq!(line(&other), own("small"));
        assert_eq!(line(&of(9999)), own("bank"));
        assert_eq!(line(&of(9999 - 15)), own("bank"));
        assert_eq!(line(&of(9999 - 16)), Line::Network(HOME));
        let held = claims.held();
        assert_eq!((held.len(), held["bank"].len()), (2, REMEMBERED));
    }
}
