"""Method 2: the initiator's own means, proven by a verification token (rules.md F-4, F-6; trust.md 4)."""

from __future__ import annotations

import json
from collections.abc import Iterator

from check import Checks
from jws import b64url, hs256_with_public_key, ovt, ovt_claims, raw_rs256, unsigned
from kdp_client import Caller, World, assert_reply
from sandbox import in_future

DAY = 86_400
AGREED = 90 * DAY
Wrong = tuple[str, str | None, str | tuple[str, ...]]


def run(world: World, checks: Checks) -> None:
    for label, caller in (("through shep", world.through_shep), ("direct", world.direct)):
        checks.topic(f"method 2 {label}")
        granted(world, caller, checks)
        for title, token, reason in wrong_tokens(world, caller):
            with checks.case(f"ovt {title} is refused as {reason}"):
                reply = caller.ask_own(world.sandbox.subject("yes").iin, world.services[:1], token)
                assert_reply(reply, "INVALID", reason)
        for title, token in tolerated_tokens(caller, world.sandbox.subject("yes").iin):
            with checks.case(f"ovt {title} is accepted"):
                reply = caller.ask_own(world.sandbox.subject("yes").iin, world.services[:1], token)
                assert_reply(reply, "VALID", "granted")
        memory(world, caller, checks)
        terms(world, caller, checks)
    checks.topic("method 2 registration")
    registration(world, checks)


def granted(world: World, caller: Caller, checks: Checks) -> None:
    uin, services = world.sandbox.subject("yes").iin, world.services
    with checks.case("a good ovt gives a VALID token whose claims and keys hold"):
        reply = assert_reply(caller.ask_own(uin, services, caller.ovt()), "VALID", "granted")
        claims = caller.check_token(reply, uin, services, 2, data="Address")
        assert claims["exp"] - claims["iat"] <= AGREED, "life above the agreed period"
    with checks.case("the same ovt gives the same token, other ovts give other tokens"):
        token = caller.ovt()
        first = assert_reply(caller.ask_own(uin, services, token), "VALID", "granted")
        again = assert_reply(caller.ask_own(uin, services[::-1], token), "VALID", "granted")
        assert again.token == first.token, "the same ovt gave another token"
        other = assert_reply(caller.ask_own(uin, services, caller.ovt(jti="other")), "VALID", "granted")
        assert other.token != first.token, "another ovt gave the same token"
    with checks.case("method=2 given by name, with omit-sms absent"):
        values = caller.fields(uin, services, method="2", ovt=caller.ovt())
        assert_reply(caller.send(values), "VALID", "granted")
    with checks.case("a repeat by request_id returns the same token"):
        first = assert_reply(caller.ask_own(uin, services, caller.ovt()), "VALID", "granted")
        again = assert_reply(caller.repeat(uin, services, first.request_id), "VALID", "granted")
        assert again.token == first.token, "the repeat gave another token"
    with checks.case("reason_text comes in kk, ru and en"):
        texts = {caller.ask_own(uin, services, None, lang=lang).data.get("reason_text") for lang in ("kk", "ru", "en")}
        assert len(texts) == 3 and None not in texts, f"{len(texts)} different texts"


def wrong_tokens(world: World, caller: Caller) -> Iterator[Wrong]:
    """Each way an ovt can be wrong, made at the moment of use, with the reason due."""
    signer = caller.initiator.signer
    cbin = caller.initiator.bin or ""

    def claims(**more: object) -> dict[str, object]:
        return ovt_claims(cbin, now()) | more

    def now(**period: float) -> int:
        return in_future(world.sandbox.now(), **period)

    akimat = world.sandbox.peers["akimat"]
    good = caller.ovt()
    yield "missing", None, "ovt-missing"
    yield "empty", "", "ovt-missing"
    yield "not a JWS", "abc", "ovt-malformed"
    yield "of two parts", ".".join(good.split(".")[:2]), "ovt-malformed"
    yield "of four parts", good + ".AAAA", "ovt-malformed"
    yield "with alg none", unsigned(claims()), "ovt-algorithm"
    yield "with HS256 over the public key", hs256_with_public_key(signer, claims()), "ovt-algorithm"
    header, payload, _ = good.split(".")
    yield "without its signature", f"{header}.{payload}.", ("ovt-signature", "ovt-malformed")
    yield "signed by a foreign key", ovt(akimat.signer, claims()), "ovt-signature"
    foreign = {"x5c": [akimat.signer.certificate_base64]}
    yield "carrying a foreign key", ovt(akimat.signer, claims(), foreign), ("ovt-key-unknown", "ovt-signature")
    changed = b64url(json.dumps(claims(mcheck="BIO")).encode())
    yield "changed after signing", f"{header}.{changed}.{good.split('.')[2]}", "ovt-signature"
    yield "of another BIN", ovt(signer, claims(cbin=akimat.bin)), "ovt-bin"
    yield "with mcheck NONE", ovt(signer, claims(mcheck="NONE")), "ovt-method"
    yield "with an unknown mcheck", ovt(signer, claims(mcheck="GUESS")), "ovt-method"
    yield "expired", ovt(signer, claims(iat=now(hours=-2), exp=now(hours=-1))), "ovt-date"
    yield "issued in the future", ovt(signer, claims(iat=now(minutes=10), exp=now(hours=1))), "ovt-date"
    yield "living longer than ten hours", ovt(signer, claims(exp=now(hours=11))), "ovt-date"
    yield (
        "that ends before it begins",
        ovt(signer, claims(iat=now(), exp=now(minutes=-1))),
        ("ovt-date", "ovt-malformed"),
    )
    text_dates = json.dumps(claims(iat=str(now()), exp=str(now(hours=1)))).encode()
    rs256 = b'{"alg":"RS256","typ":"JWT"}'
    yield "with dates that are strings", raw_rs256(signer, rs256, text_dates), ("ovt-malformed", "ovt-date")
    for name in ("cbin", "mcheck", "iat", "exp"):
        rest = {key: value for key, value in claims().items() if key != name}
        due = {"cbin": "ovt-bin", "mcheck": "ovt-method"}.get(name, "ovt-date")
        yield f"without {name}", ovt(signer, rest), ("ovt-malformed", due)
    twice = json.dumps(claims()).replace("{", f'{{"cbin":"{akimat.bin}",', 1).encode()
    yield "with a claim given twice", raw_rs256(signer, rs256, twice), "ovt-malformed"
    yield "bound to another subject", caller.ovt(uin=world.sandbox.subject("no").iin), "ovt-subject"
    issued = caller.ask_own(world.sandbox.subject("yes").iin, world.services[:1], caller.ovt())
    reasons = ("ovt-malformed", "ovt-algorithm", "ovt-key-unknown", "ovt-signature")
    yield "that is a security token", issued.token, reasons


def tolerated_tokens(caller: Caller, uin: str) -> Iterator[tuple[str, str]]:
    moment = caller.sandbox.now()
    for mcheck in ("BIO", "DS", "DID", "OTP", "PC", "otp"):
        yield f"with mcheck {mcheck}", caller.ovt(mcheck=mcheck)
    yield (
        "a minute after its end (leeway)",
        caller.ovt(iat=in_future(moment, minutes=-30), exp=in_future(moment, minutes=-1)),
    )
    yield "a minute before its beginning (leeway)", caller.ovt(iat=in_future(moment, minutes=1))
    yield "bound to this subject", caller.ovt(uin=uin)
    yield (
        "that names its own key in x5c",
        ovt(
            caller.initiator.signer,
            ovt_claims(caller.initiator.bin or "", in_future(moment)),
            {"x5c": [caller.initiator.signer.certificate_base64]},
        ),
    )


def memory(world: World, caller: Caller, checks: Checks) -> None:
    uin, services = world.sandbox.subject("yes").iin, world.services
    with checks.case("one ovt serves another subject and another set of services with other tokens"):
        token = caller.ovt()
        tokens = {
            assert_reply(caller.ask_own(who, which, token), "VALID", "granted").token
            for who in (uin, world.sandbox.subject("silent").iin)
            for which in (services, services[:1])
        }
        assert len(tokens) == (4 if len(services) > 1 else 2), f"{len(tokens)} different tokens"
    with checks.case("after its token ended the ovt is ovt-used"):
        token = caller.ovt()
        first = assert_reply(caller.ask_own(uin, services, token, expiresIn="60000"), "VALID", "granted")
        world.sandbox.advance("PT2M")
        assert_reply(caller.ask_own(uin, services, token, expiresIn="60000"), "INVALID", "ovt-used")
        assert_reply(caller.repeat(uin, services, first.request_id), "INVALID", "token-expired")
    with checks.case("after cancel of the token the ovt is ovt-used"):
        token = caller.ovt()
        first = assert_reply(caller.ask_own(uin, services, token), "VALID", "granted")
        assert_reply(caller.repeat(uin, services, first.request_id, cancel="true"), "INVALID", "cancelled")
        assert_reply(caller.ask_own(uin, services, token), "INVALID", "ovt-used")
        assert_reply(caller.repeat(uin, services, first.request_id), "INVALID", "cancelled")


def terms(world: World, caller: Caller, checks: Checks) -> None:
    uin, services = world.sandbox.subject("yes").iin, world.services
    with checks.case("expiresIn is milliseconds of the token's life"):
        reply = assert_reply(caller.ask_own(uin, services, caller.ovt(), expiresIn="600000"), "VALID", "granted")
        caller.check_token(reply, uin, services, 2, life_seconds=600)
    with checks.case("expiresIn 0 gives the agreed period, as its absence does"):
        lives = []
        for term in ("0", None):
            reply = assert_reply(caller.ask_own(uin, services, caller.ovt(), expiresIn=term), "VALID", "granted")
            claims = caller.check_token(reply, uin, services, 2)
            lives.append(claims["exp"] - claims["iat"])
        assert lives[0] == lives[1], f"lives {lives}"
    with checks.case("90 days are granted, a second more is term-too-long"):
        term = str(AGREED * 1000)
        reply = assert_reply(caller.ask_own(uin, services, caller.ovt(), expiresIn=term), "VALID", "granted")
        caller.check_token(reply, uin, services, 2, life_seconds=AGREED)
        for term in (str((AGREED + 1) * 1000), "99999999999999"):
            assert_reply(caller.ask_own(uin, services, caller.ovt(), expiresIn=term), "INVALID", "term-too-long")
    with checks.case("a directory entry gives its services and its period"):
        entry = next((each for each in world.sandbox.info["directory"] if each["bin"] == caller.initiator.bin), None)
        assert entry is not None, "the sandbox has no directory entry of bank"
        values = {"directory_id": str(entry["id"])}
        reply = assert_reply(caller.ask_own(uin, entry["services"], caller.ovt(), **values), "VALID", "granted")
        caller.check_token(
            reply, uin, entry["services"], 2, directory_id=entry["id"], life_seconds=entry["period_seconds"]
        )
    with checks.case("an unknown directory entry is directory-unknown"):
        reply = caller.ask_own(uin, services, caller.ovt(), directory_id="no-such-entry")
        assert_reply(reply, "INVALID", "directory-unknown")
    with checks.case("a service that was not agreed is service-not-allowed"):
        reply = caller.ask_own(uin, [*services, "NOT_AGREED_SERVICE"], caller.ovt())
        assert_reply(reply, "INVALID", "service-not-allowed")


def registration(world: World, checks: Checks) -> None:
    uin = world.sandbox.subject("yes").iin
    for name in ("akimat", "newcomer"):
        with checks.case(f"{name} is not allowed method 2"):
            caller = world.caller(name, "shep")
            services = caller.initiator.services or world.services
            assert_reply(caller.ask_own(uin, services[:1], caller.ovt()), "INVALID", "method-not-allowed")
