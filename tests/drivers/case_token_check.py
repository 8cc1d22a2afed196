"""KDP_CHECK_TOKEN (F-14 6): the owner's online check, its signed receipt, and what it keeps to itself."""

from __future__ import annotations

import json
import random
import uuid
from datetime import datetime, timedelta
from typing import Any

import jwt

from check import Checks
from envelope import Wrapper
from jws import b64url, ovt
from kdp_client import World
from service_client import (
    Answered,
    Parties,
    Party,
    approve,
    check_by_code,
    check_by_id,
    claims_of,
    decide,
    granted,
    jti_of,
    ordered,
    refuse,
    revoke,
    stamp,
    verified_twice,
)

RECEIPT = "token-introspection+jwt"


def run(world: World, checks: Checks) -> None:
    parties = Parties(world)
    for label, owner in (("direct", parties.owner), ("through shep", parties.party("owner", "shep"))):
        checks.topic(f"token check {label}")
        active(world, owner, checks)
        silent_answers(world, owner, checks)
    checks.topic("token check, statuses and times")
    ended(world, parties, checks)
    reviewed(world, parties, checks)
    written_times(world, parties, checks)
    asked_methods(world, parties, checks)
    checks.topic("token check, another owner")
    another_owner(world, parties, checks)
    checks.topic("token check, bad input and roles")
    bad_input(world, parties, checks)
    bulk_guesses(world, parties, checks)


def held(answered: Answered, world: World, status: str, owner: Party) -> dict[str, Any]:
    """The answer has this status; its receipt is signed and says the same. Gives what the receipt holds."""
    assert answered.must("status") == status, f"expected {status}: {answered.brief()}"
    assert answered.must("active") == ("true" if status == "active" else "false"), answered.brief()
    claims = verified_twice(answered.must("receipt"), world.through_shep.jwks(), RECEIPT)
    assert claims["aud"] == owner.peer.sender_id or owner.peer.sender_id in claims["aud"], "aud is not the owner"
    told_at = datetime.fromisoformat(answered.must("checked_at"))
    assert abs(claims["iat"] - told_at.timestamp()) < 2, "iat of the receipt is not checked_at"
    inside = claims["token_introspection"]
    assert inside["active"] is (status == "active") and inside["status"] == status, f"the receipt says {inside}"
    if answered.text("revocation_pending") is not None:
        pending = answered.must("revocation_pending") == "true"
        assert inside["revocation_pending"] is pending, "revocation_pending differs"
    if answered.text("reason") is not None:
        assert inside["reason"] == answered.must("reason"), "reason differs"
    return inside


def tells_nothing(answered: Answered, inside: dict[str, Any], secrets: list[str]) -> None:
    """unknown and mismatch: no token data, in the answer and in the receipt."""
    assert set(answered.names) <= {"active", "status", "reason", "checked_at", "receipt"}, f"told {answered.names}"
    assert set(inside) <= {"active", "status", "service_id", "reason"}, f"the receipt tells {sorted(inside)}"
    text = json.dumps(inside) + "".join(answered.data.itertext()) if answered.data is not None else ""
    found = [each for each in secrets if each in text]
    assert not found, f"{len(found)} facts of the token in the answer"


def active(world: World, owner: Party, checks: Checks) -> None:
    uin, services = world.sandbox.subject("yes").iin, world.services[:2]
    reply = granted(world.through_shep, uin, services)
    claims = claims_of(reply.token)
    ways: dict[str, list[tuple[str, str]]] = {
        "by code": [("code", reply.token), ("service_id", services[0])],
        "by code with uin": [("code", reply.token), ("service_id", services[0]), ("uin", uin)],
        "by token_id and uin": [("token_id", claims["jti"]), ("service_id", services[1]), ("uin", uin)],
        "elements in another order": [("uin", uin), ("service_id", services[0]), ("code", reply.token)],
    }
    for title, payload in ways.items():
        with checks.case(f"{title}: active, with the token's data and a signed receipt"):
            told = owner.done("KDP_CHECK_TOKEN", payload)
            inside = held(told, world, "active", owner)
            assert told.must("token/token_id") == claims["jti"] == inside["jti"], "token_id"
            assert told.must("token/uin") == uin == inside["uin"], "uin"
            assert told.must("token/company_bin") == claims["cbin"] == inside["cbin"], "company_bin"
            told_services = {each.text for each in told.all("token/service_id")}
            assert told_services == set(services) == set(inside["services"]), f"services {told_services}"
            assert told.must("token/method") == "2" and told.must("token/request_id") == reply.request_id, "method"
            ends = datetime.fromisoformat(told.must("token/expires_at")).timestamp()
            begins = datetime.fromisoformat(told.must("token/issued_at")).timestamp()
            assert ends == claims["exp"] == inside["exp"], "expires_at is not exp"
            assert int(begins) == claims["iat"] == inside["iat"], "issued_at is not iat"
            assert told.must("revocation_pending") == "false", "revocation_pending"
    for title, form in (
        ("unqualified", {"namespace": None}),
        ("wrapper SendMessageRequest", {"wrapper": Wrapper.SEND_MESSAGE_REQUEST}),
        ("as one root element", {"single": "checkTokenRequest"}),
    ):
        with checks.case(f"the request {title} is read the same"):
            told = owner.done("KDP_CHECK_TOKEN", ways["by code"], **form)
            held(told, world, "active", owner)


def silent_answers(world: World, owner: Party, checks: Checks) -> None:
    uin, other = world.sandbox.subject("yes").iin, world.sandbox.subject("no").iin
    services = world.services
    reply = granted(world.through_shep, uin, services[:1])
    claims = claims_of(reply.token)
    secrets = [uin, claims["jti"], claims["cbin"], reply.request_id]
    foreign_key = world.sandbox.peers["akimat"].signer
    header, payload, signature = reply.token.split(".")
    forged = b64url(json.dumps(claims | {"exp": claims["exp"] + 1}).encode())
    unknown = {
        "a token for other services": [("code", reply.token), ("service_id", services[1])],
        "its id for other services": [("token_id", claims["jti"]), ("service_id", services[1]), ("uin", uin)],
        "its id for other services, another subject": [
            ("token_id", claims["jti"]),
            ("service_id", services[1]),
            ("uin", other),
        ],
        "an id of nobody": [("token_id", str(uuid.uuid4())), ("service_id", services[0]), ("uin", uin)],
        "an id that is no id": [("token_id", "' OR 1=1 --"), ("service_id", services[0]), ("uin", uin)],
        "a code that is no JWT": [("code", "abc"), ("service_id", services[0])],
        "a token with changed claims": [("code", f"{header}.{forged}.{signature}"), ("service_id", services[0])],
        "a token with another signature": [
            ("code", f"{header}.{payload}.{granted(world.through_shep, uin, services[:1]).token.split('.')[2]}"),
            ("service_id", services[0]),
        ],
        "a token without its signature": [("code", f"{header}.{payload}."), ("service_id", services[0])],
        "its claims signed by a foreign key": [("code", ovt(foreign_key, claims)), ("service_id", services[0])],
        "its claims with alg none": [("code", jwt.encode(claims, "", "none")), ("service_id", services[0])],
        "an ovt": [("code", world.through_shep.ovt()), ("service_id", services[0])],
        "a receipt": [
            ("code", check_by_code(owner, reply.token, services[0]).must("receipt")),
            ("service_id", services[0]),
        ],
    }
    for title, what in unknown.items():
        with checks.case(f"{title} is unknown, and nothing else is told"):
            told = owner.done("KDP_CHECK_TOKEN", what)
            tells_nothing(told, held(told, world, "unknown", owner), [each for each in secrets if each != uin])
    for title, what in {
        "by code": [("code", reply.token), ("service_id", services[0]), ("uin", other)],
        "by id": [("token_id", claims["jti"]), ("service_id", services[0]), ("uin", other)],
    }.items():
        with checks.case(f"another subject than asked about, {title}: mismatch, and nothing else is told"):
            told = owner.done("KDP_CHECK_TOKEN", what)
            tells_nothing(told, held(told, world, "mismatch", owner), secrets)


def at(world: World, owner: Party, token: str, moment: datetime) -> str:
    """The status that the token had then."""
    told = check_by_code(owner, token, world.services[0], requested_at=stamp(moment))
    held(told, world, told.must("status"), owner)
    return told.must("status")


def another_owner(world: World, parties: Parties, checks: Checks) -> None:
    """Each owner sees what concerns its own services, and nothing by those of the other."""
    owners = {name: parties.party(name) for name in ("owner", "owner2")}
    theirs = owners["owner2"].peer.services[0]
    clinic, uin = world.caller("clinic", "shep"), world.sandbox.subject("yes").iin
    both = granted(clinic, uin, [world.services[0], theirs])
    one = granted(world.through_shep, uin, world.services[:1])
    with checks.case("a token for services of both is active for each by its own"):
        for name, service in (("owner", world.services[0]), ("owner2", theirs)):
            held(check_by_code(owners[name], both.token, service), world, "active", owners[name])
    with checks.case("a token for the first owner's services alone is unknown to the second"):
        told = check_by_code(owners["owner2"], one.token, theirs)
        secrets = [uin, jti_of(one.token), claims_of(one.token)["cbin"]]
        tells_nothing(told, held(told, world, "unknown", owners["owner2"]), secrets)
    for name, service in (("owner", theirs), ("owner2", world.services[0])):
        for reply in (both, one):
            with checks.case(f"{name} asks by the other's ServiceID: KDP403"):
                payload = [("code", reply.token), ("service_id", service)]
                assert owners[name].fault("KDP_CHECK_TOKEN", payload).error_code == "KDP403"


def ended(world: World, parties: Parties, checks: Checks) -> None:
    sandbox, owner = world.sandbox, parties.owner
    uin, services = sandbox.subject("yes").iin, world.services[:1]
    with checks.case(
        "expired at the end of exp, active at any time before; a moment before its issue it is not active"
    ):
        reply = granted(world.through_shep, uin, services, expiresIn="60000")
        claims = claims_of(reply.token)
        issued, ends = (datetime.fromtimestamp(claims[name], sandbox.now().tzinfo) for name in ("iat", "exp"))
        sandbox.advance("PT1M5S")
        told = check_by_code(owner, reply.token, services[0])
        held(told, world, "expired", owner)
        assert told.must("reason") == "token-expired", told.brief()
        assert at(world, owner, reply.token, ends - timedelta(milliseconds=1)) == "active", "before its end"
        assert at(world, owner, reply.token, ends) == "expired", "at its end (RFC 7519: on or after exp)"
        assert at(world, owner, reply.token, issued - timedelta(seconds=5)) != "active", "before its issue"
    with checks.case("cancelled: not-active from then on, active before"):
        reply = granted(world.through_shep, uin, services)
        sandbox.advance("PT10S")
        before = sandbox.now()
        sandbox.advance("PT10S")
        world.through_shep.repeat(uin, services, reply.request_id, cancel="true")
        told = check_by_code(owner, reply.token, services[0])
        held(told, world, "not-active", owner)
        assert told.must("reason") == "cancelled", told.brief()
        assert at(world, owner, reply.token, before) == "active", "before the cancellation"


def reviewed(world: World, parties: Parties, checks: Checks) -> None:
    sandbox, owner = world.sandbox, parties.owner
    uin, services = sandbox.subject("yes").iin, world.services[:1]
    with checks.case("revocation under review: active and revocation_pending; refused: pending no more"):
        reply = granted(world.through_shep, uin, services)
        application = revoke(parties.egov, uin, jti_of(reply.token)).must("application_id")
        told = check_by_code(owner, reply.token, services[0])
        held(told, world, "active", owner)
        assert told.must("revocation_pending") == "true", told.brief()
        decide(parties.bank, refuse(application))
        told = check_by_code(owner, reply.token, services[0])
        held(told, world, "active", owner)
        assert told.must("revocation_pending") == "false", told.brief()
    with checks.case("revocation approved: not-active from then on, active before"):
        reply = granted(world.through_shep, uin, services)
        application = revoke(parties.egov, uin, jti_of(reply.token)).must("application_id")
        sandbox.advance("PT10S")
        before = sandbox.now()
        sandbox.advance("PT10S")
        decide(parties.bank, approve(application))
        told = check_by_code(owner, reply.token, services[0])
        held(told, world, "not-active", owner)
        assert told.must("reason") == "revoked", told.brief()
        assert told.must("revocation_pending") == "false", told.brief()
        assert at(world, owner, reply.token, before) == "active", "before the approval"
        sandbox.advance("PT10S")
        assert at(world, owner, reply.token, sandbox.now() - timedelta(seconds=5)) == "not-active", "after the approval"
    with checks.case("a revoked token is not-active also after its exp"):
        reply = granted(world.through_shep, uin, services, expiresIn="60000")
        application = revoke(parties.egov, uin, jti_of(reply.token)).must("application_id")
        decide(parties.bank, approve(application))
        sandbox.advance("PT2M")
        told = check_by_code(owner, reply.token, services[0])
        assert told.must("active") == "false" and told.must("status") in {"not-active", "expired"}, told.brief()


def written_times(world: World, parties: Parties, checks: Checks) -> None:
    sandbox, owner = world.sandbox, parties.owner
    uin, services = sandbox.subject("yes").iin, world.services[:1]
    with checks.case("requested_at in any of the forms of a time is the same moment"):
        reply = granted(world.through_shep, uin, services)
        sandbox.advance("PT10S")
        moment = sandbox.now() - timedelta(seconds=5)
        plain = moment.replace(tzinfo=None).isoformat(timespec="seconds")
        utc = (moment - timedelta(hours=5)).replace(tzinfo=None).isoformat(timespec="seconds")
        for text in (f"{plain}+05:00", f"{utc}Z", plain, f"{plain}.123456+05:00"):
            told = check_by_code(owner, reply.token, services[0], requested_at=text)
            assert told.must("status") == "active", f"{text}: {told.brief()}"


def asked_methods(world: World, parties: Parties, checks: Checks) -> None:
    sandbox, owner, services = world.sandbox, parties.owner, world.services[:1]
    for method in ("1", "5"):
        with checks.case(f"a token of method {method} is found, and tells its method"):
            sandbox.advance("PT25H")
            subject = sandbox.subject("reads-code" if method == "5" else "yes")
            caller = world.through_shep
            first = caller.ask(subject.iin, services, omit_sms="false", method=method)
            sandbox.advance("PT1M")
            code = {}
            if method == "5":
                text = sandbox.inbox(subject.msisdn or "")[-1]
                code = {"code": text.split("KOD ")[1].split()[0]}
            reply = caller.repeat(subject.iin, services, first.request_id, **code)
            told = check_by_code(owner, reply.token, services[0])
            held(told, world, "active", owner)
            assert told.must("token/method") == method, told.brief()


def bad_input(world: World, parties: Parties, checks: Checks) -> None:
    owner, uin, service = parties.owner, world.sandbox.subject("yes").iin, world.services[0]
    reply = granted(world.through_shep, uin, world.services)
    jti = jti_of(reply.token)
    for title, named, payload in (
        ("no service_id", "service_id", [("code", reply.token)]),
        ("an empty service_id", "service_id", [("code", reply.token), ("service_id", "")]),
        ("neither code nor token_id", "code", [("service_id", service)]),
        ("both code and token_id", "token_id", [("code", reply.token), ("token_id", jti), ("service_id", service)]),
        ("token_id without uin", "uin", [("token_id", jti), ("service_id", service)]),
        ("uin of eleven digits", "uin", [("code", reply.token), ("service_id", service), ("uin", uin[:-1])]),
        ("uin given twice", "uin", [("code", reply.token), ("service_id", service), ("uin", uin), ("uin", uin)]),
        (
            "requested_at no time",
            "requested_at",
            ordered([("code", reply.token), ("service_id", service)], {"requested_at": "soon"}),
        ),
        ("an unknown element", "surprise", [("code", reply.token), ("service_id", service), ("surprise", "1")]),
    ):
        with checks.case(f"{title} is SCSE002 and named"):
            told = owner.call("KDP_CHECK_TOKEN", payload)
            assert told.code == "SCSE002" and named in told.message, told.brief()
    for other in ("GBDUL_token", "kdp", service.lower(), f"{service} {service}", f"{service};{world.services[1]}"):
        with checks.case(f"ServiceID «{other}», which the owner does not own, is KDP403"):
            fault = owner.fault("KDP_CHECK_TOKEN", [("code", reply.token), ("service_id", other)])
            assert fault.error_code == "KDP403", fault.faultstring
    for name in ("bank", "egov", "sms1414", "akimat", "newcomer"):
        for signer in (name, "shep"):
            with checks.case(f"{name} ({signer}) may not check tokens: KDP403"):
                payload = [("code", reply.token), ("service_id", service)]
                fault = parties.party(name, signer).fault("KDP_CHECK_TOKEN", payload)
                assert fault.error_code == "KDP403", fault.faultstring


def bulk_guesses(world: World, parties: Parties, checks: Checks) -> None:
    """An owner that asks about everybody learns nothing, and is not an access."""
    owner, services = parties.owner, world.services
    with checks.case("300 guesses of ids and subjects are all unknown, one like the other"):
        reply = granted(world.through_shep, world.sandbox.subject("yes").iin, services)
        jti = jti_of(reply.token)
        shapes = set()
        for at in range(300):
            # Near misses: the id with one digit changed, and ids of the right form.
            guess = jti[:-2] + f"{(int(jti[-2:], 16) + 1 + at % 200) % 256:02x}" if at % 2 else str(uuid.uuid4())
            subject = random.choice(world.sandbox.subjects).iin
            told = check_by_id(owner, guess, random.choice(services), subject)
            inside = claims_of(told.must("receipt"))["token_introspection"]
            shapes.add((told.must("status"), tuple(told.names), tuple(sorted(set(inside) - {"service_id"}))))
        assert len(shapes) == 1 and next(iter(shapes))[0] == "unknown", f"{shapes}"
