"""Methods 3 (proactive) and 4 (logging mode): good ways, and every check of F-6 in the law's order."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from check import Checks
from jws import ovt
from kdp_client import Caller, World, assert_reply, fault_of, soap_content
from reply import Reply, is_fault, read_reply
from sandbox import Peer
from service_client import Parties, check_by_code, claims_of

LOGGING_LIFE = 900
DAY = 86_400


def run(world: World, checks: Checks) -> None:
    for signer in ("shep", None):
        label = signer or "direct"
        akimat, stat = world.caller("akimat", signer or "akimat"), world.caller("stat", signer or "stat")
        checks.topic(f"method 3 {label}")
        proactive(world, akimat, checks)
        checks.topic(f"method 4 {label}")
        logging(world, stat, checks)
    for scene in (
        *(proactive_scene(world, name) for name in ("akimat", "clinic")),
        *(logging_scene(world, name) for name in ("stat", "clinic")),
    ):
        checks.topic(f"method {scene.method} of {scene.draft().caller.initiator.name}, order of checks")
        alone(scene, checks)
        in_pairs(scene, checks)
        all_at_once(scene, checks)
    checks.topic("method 4 without logging mode, order of checks")
    without_logging(world, checks)
    checks.topic("methods 3 and 4, memory of the ovt")
    memory(world, checks)


# --- the good ways ----------------------------------------------------------------------------------


def proactive_service(world: World, bin_: str | None) -> dict[str, Any]:
    found = [each for each in world.sandbox.info["proactive"] if each["bin"] == bin_ and not each.get("valid_until")]
    assert found, "no proactive service of this BIN"
    return found[0]


def ground_for(world: World, method: int) -> str:
    found = [
        each["id"]
        for each in world.sandbox.info["grounds"]
        if method in each["methods"] and not each.get("valid_until")
    ]
    assert found, f"no ground for method {method}"
    return str(found[0])


def entry_of(world: World, bin_: str | None) -> dict[str, Any]:
    found = [each for each in world.sandbox.info["directory"] if each["bin"] == bin_]
    assert found, "no directory entry of this BIN"
    return found[0]


def ask_proactive(world: World, caller: Caller, uin: str, services: list[str], **values: str | None) -> Reply:
    usual: dict[str, str | None] = {
        "method": "3",
        "omit_sms": "true",
        "ground_id": ground_for(world, 3),
    }
    if "proactive_code" not in values:
        usual["proactive_code"] = proactive_service(world, caller.initiator.bin)["code"]
    if "ovt" not in values:
        usual["ovt"] = caller.ovt(mcheck="BIO")
    return caller.ask(uin, services, **(usual | values))


def ask_logging(world: World, caller: Caller, uin: str, services: list[str], **values: str | None) -> Reply:
    usual: dict[str, str | None] = {"method": "4", "omit_sms": "true", "ground_id": ground_for(world, 4)}
    if "ovt" not in values:
        usual["ovt"] = caller.ovt(mcheck="NONE")
    return caller.ask(uin, services, **(usual | values))


def proactive(world: World, caller: Caller, checks: Checks) -> None:
    uin, services = world.sandbox.subject("no").iin, caller.initiator.services
    service, ground = proactive_service(world, caller.initiator.bin), ground_for(world, 3)
    subject = world.sandbox.subject("no")
    period = service["period_seconds"]
    for mcheck in ("BIO", "DS", "PC", "bio"):
        with checks.case(f"consent by {mcheck} → VALID at once, for the service's period"):
            before = world.sandbox.inbox(subject.msisdn or "")
            token = caller.ovt(mcheck=mcheck)
            reply = assert_reply(ask_proactive(world, caller, uin, services, ovt=token), "VALID", "granted")
            claims = caller.check_token(reply, uin, services, 3, mcheck=mcheck.upper(), ground=ground)
            assert claims["exp"] - claims["iat"] == period, f"life {claims['exp'] - claims['iat']} s, not {period}"
            assert world.sandbox.inbox(subject.msisdn or "") == before, "the subject got an SMS"
    with checks.case("omit-sms absent is fine when the method is named"):
        reply = ask_proactive(world, caller, uin, services, omit_sms=None)
        assert_reply(reply, "VALID", "granted")
    with checks.case("a directory entry is named in the token"):
        entry = entry_of(world, caller.initiator.bin)
        reply = ask_proactive(world, caller, uin, entry["services"], directory_id=entry["id"])
        assert_reply(reply, "VALID", "granted")
        caller.check_token(reply, uin, entry["services"], 3, mcheck="BIO", ground=ground, directory_id=entry["id"])
    with checks.case("a shorter expiresIn shortens the life"):
        reply = assert_reply(ask_proactive(world, caller, uin, services, expiresIn="3600000"), "VALID", "granted")
        caller.check_token(reply, uin, services, 3, mcheck="BIO", ground=ground, life_seconds=3600)
    with checks.case("expiresIn 0 and the whole period give the period"):
        for term in ("0", str(period * 1000)):
            reply = assert_reply(ask_proactive(world, caller, uin, services, expiresIn=term), "VALID", "granted")
            caller.check_token(reply, uin, services, 3, mcheck="BIO", ground=ground, life_seconds=period)
    with checks.case("a second above the service's period is term-too-long"):
        reply = ask_proactive(world, caller, uin, services, expiresIn=str((period + 1) * 1000))
        assert_reply(reply, "INVALID", "term-too-long")
    with checks.case("the owner's check tells method, ground and request"):
        reply = assert_reply(ask_proactive(world, caller, uin, services), "VALID", "granted")
        told = check_by_code(Parties(world).owner, reply.token, services[0])
        assert told.must("active") == "true" and told.must("status") == "active", told.brief()
        assert told.must("token/method") == "3" and told.must("token/ground_id") == ground, "method or ground"
        assert told.must("token/request_id") == reply.request_id, "request id"


def logging(world: World, caller: Caller, checks: Checks) -> None:
    uin, services = world.sandbox.subject("no").iin, caller.initiator.services
    ground = ground_for(world, 4)
    for term in (None, "0", "1", "60000", "900000", "900001", "86400000", str(400 * DAY * 1000)):
        with checks.case(f"expiresIn {term} → a token of 900 s, ovt NONE"):
            reply = assert_reply(ask_logging(world, caller, uin, services, expiresIn=term), "VALID", "granted")
            caller.check_token(reply, uin, services, 4, mcheck="NONE", ground=ground, life_seconds=LOGGING_LIFE)
    with checks.case("a directory entry is named in the token, its life stays 900 s"):
        entry = entry_of(world, caller.initiator.bin)
        reply = ask_logging(world, caller, uin, entry["services"], directory_id=entry["id"])
        assert_reply(reply, "VALID", "granted")
        more = {"mcheck": "NONE", "ground": ground, "directory_id": entry["id"], "life_seconds": LOGGING_LIFE}
        caller.check_token(reply, uin, entry["services"], 4, **more)
    for mcheck in ("BIO", "DS", "OTP", "PC", "DID"):
        with checks.case(f"mcheck {mcheck} is ovt-method: logging mode is without consent"):
            reply = ask_logging(world, caller, uin, services, ovt=caller.ovt(mcheck=mcheck))
            assert_reply(reply, "INVALID", "ovt-method")
    with checks.case("after 15 minutes the token is expired for the owner and for the repeat"):
        token = caller.ovt(mcheck="NONE")
        reply = assert_reply(ask_logging(world, caller, uin, services, ovt=token), "VALID", "granted")
        owner = Parties(world).owner
        world.sandbox.advance("PT14M58S")
        assert check_by_code(owner, reply.token, services[0]).must("status") == "active", "ended early"
        world.sandbox.advance("PT3S")
        assert check_by_code(owner, reply.token, services[0]).must("status") == "expired", "did not expire"
        assert_reply(ask_logging(world, caller, uin, services, ovt=token), "INVALID", "ovt-used")
        assert_reply(caller.repeat(uin, services, reply.request_id), "INVALID", "token-expired")


# --- the order of the law -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Draft:
    """A request before it is written: what the checks look at, each part to be spoilt on its own."""

    caller: Caller
    values: dict[str, str | None]
    claims: dict[str, Any]
    message: dict[str, Any] = field(default_factory=dict)
    signed_by: Caller | None = None
    with_ovt: bool = True


@dataclass(frozen=True)
class Flaw:
    """One failing check: how to make it fail, and the answer that it demands."""

    name: str
    due: tuple[str, ...]
    spoil: Callable[[Draft], Draft]
    # Flaws of one part exclude each other.
    part: str


@dataclass(frozen=True)
class Scene:
    """A method with its good request and its flaws, earliest check first."""

    method: int
    draft: Callable[[], Draft]
    flaws: list[Flaw]


def changed(**values: str | None) -> Callable[[Draft], Draft]:
    return lambda draft: replace(draft, values=draft.values | values)


def claimed(**claims: Any) -> Callable[[Draft], Draft]:
    return lambda draft: replace(draft, claims=draft.claims | claims)


def sent(**message: Any) -> Callable[[Draft], Draft]:
    return lambda draft: replace(draft, message=draft.message | message)


def common_flaws(world: World, initiator: Peer) -> list[Flaw]:
    """The checks of every request, in the order of F-6."""
    peers = world.sandbox.peers
    # Registered, and allowed neither method.
    other, foreign = peers["bank"], peers["newcomer"].bin
    expired = [
        each["id"]
        for each in world.sandbox.info["directory"]
        if each["bin"] == initiator.bin and each.get("valid_until")
    ]

    def by_another(draft: Draft) -> Draft:
        """The same ask by a registered initiator that has not this method."""
        sender = {"sender_id": other.sender_id, "password": other.password}
        return replace(draft, values=draft.values | {"company_bin": other.bin}, message=draft.message | sender)

    return [
        Flaw("sender unknown", ("KDP401",), sent(sender_id="nobody_kdp"), "sender"),
        Flaw("sender not authenticated", ("KDP401",), sent(password="wrong"), "password"),
        Flaw("another's BIN", ("KDP403",), changed(company_bin=foreign), "company_bin"),
        Flaw("IIN with a wrong control digit", ("SCSE002", "uin"), changed(uin="800101399016"), "uin"),
        Flaw("method not allowed", ("method-not-allowed",), by_another, "caller"),
        Flaw("directory entry unknown", ("directory-unknown",), changed(directory_id="no-such"), "directory"),
        Flaw("directory entry of another", ("directory-unknown",), changed(directory_id="dir-bank-1"), "directory"),
        *(
            Flaw(f"directory entry {each} ended", ("directory-expired",), changed(directory_id=each), "directory")
            for each in expired[:1]
        ),
        Flaw("service not agreed", ("service-not-allowed",), changed(access_name="NOT_AGREED_token"), "services"),
    ]


def ovt_flaws(world: World, between: list[Flaw], mcheck: list[Flaw]) -> list[Flaw]:
    """ovt present → signature → `between` → BIN → `mcheck` → date."""
    now = int(world.sandbox.now().timestamp())
    bank = world.through_shep
    return [
        Flaw("ovt missing", ("ovt-missing",), lambda draft: replace(draft, with_ovt=False), "ovt"),
        Flaw("ovt signed by another's key", ("ovt-signature",), lambda draft: replace(draft, signed_by=bank), "ovt"),
        *between,
        Flaw("ovt of another BIN", ("ovt-bin",), claimed(cbin=bank.initiator.bin), "cbin"),
        *mcheck,
        Flaw("ovt expired", ("ovt-date",), claimed(iat=now - 7200, exp=now - 3600), "date"),
        Flaw("ovt of the future", ("ovt-date",), claimed(iat=now + 3600, exp=now + 7200), "date"),
    ]


def proactive_scene(world: World, name: str) -> Scene:
    caller = world.caller(name, "shep")
    service = proactive_service(world, caller.initiator.bin)

    def draft() -> Draft:
        values = caller.fields(
            world.sandbox.subject("yes").iin,
            service["services"],
            method="3",
            omit_sms="true",
            proactive_code=service["code"],
            ground_id=ground_for(world, 3),
        )
        return Draft(caller, values, {"mcheck": "BIO"})

    long = str((service["period_seconds"] + 1) * 1000)
    codes = {"of nobody": "PRO-9999", "missing": None} | {
        ("ended" if each["bin"] == caller.initiator.bin else "of another BIN"): each["code"]
        for each in world.sandbox.info["proactive"]
        if each["bin"] != caller.initiator.bin
        or (each.get("valid_until") and set(service["services"]) <= set(each["services"]))
    }
    code = [
        Flaw(f"proactive code {title}", ("proactive-code",), changed(proactive_code=text), "proactive")
        for title, text in codes.items()
    ]
    consent = [
        Flaw(f"consent by {mcheck}", ("ovt-method",), claimed(mcheck=mcheck), "mcheck")
        for mcheck in ("OTP", "DID", "NONE", "GUESS")
    ]
    return Scene(
        3,
        draft,
        [
            *common_flaws(world, caller.initiator),
            Flaw("term too long", ("term-too-long",), changed(expiresIn=long), "term"),
            *ovt_flaws(world, code, consent),
            *ground_flaws(world, 3),
        ],
    )


def logging_scene(world: World, name: str) -> Scene:
    caller = world.caller(name, "shep")

    def draft() -> Draft:
        values = caller.fields(
            world.sandbox.subject("yes").iin,
            caller.initiator.services[:2],
            method="4",
            omit_sms="true",
            ground_id=ground_for(world, 4),
        )
        return Draft(caller, values, {"mcheck": "NONE"})

    return Scene(
        4,
        draft,
        [*common_flaws(world, caller.initiator), *ovt_flaws(world, [], []), *ground_flaws(world, 4)],
    )


def without_logging(world: World, checks: Checks) -> None:
    """An initiator that has the method, but whose BIN is not allowed: after the signature, before the claims."""
    scene = logging_scene(world, "archive")
    refused = Flaw("BIN not allowed for logging mode", ("logging-not-allowed",), lambda draft: draft, "logging")
    demand(scene.draft(), refused, refused.name, checks)
    for flaw in scene.flaws:
        later = flaw.part in {"cbin", "date", "ground"}
        demand(flaw.spoil(scene.draft()), refused if later else flaw, f"{refused.name} + {flaw.name}", checks)


def ground_flaws(world: World, method: int) -> list[Flaw]:
    ended = [
        each["id"] for each in world.sandbox.info["grounds"] if method in each["methods"] and each.get("valid_until")
    ]
    grounds = {"of nobody": "no-such-ground", "missing": None, "of the other method": ground_for(world, 7 - method)}
    if ended:
        grounds["ended"] = ended[0]
    return [
        Flaw(f"ground {title}", ("ground-unknown",), changed(ground_id=text), "ground")
        for title, text in grounds.items()
    ]


def verdict(draft: Draft) -> str:
    """What the service says: a fault's code, a code of section 4 with its message, or the reason."""
    caller, values = draft.caller, dict(draft.values)
    if draft.with_ovt:
        signer = (draft.signed_by or caller).initiator.signer
        values["ovt"] = ovt(signer, claims_of(caller.ovt()) | draft.claims)
    answer = caller.line.post(caller.signed(caller.message(values, **draft.message)))
    came = soap_content(answer)
    if is_fault(came):
        return str(fault_of(answer).error_code)
    reply = read_reply(came)
    if reply.info_code != "SCSS001":
        return f"{reply.info_code} {reply.message}"
    return "granted" if reply.status == "VALID" else str(reply.reason)


def demand(draft: Draft, flaw: Flaw, title: str, checks: Checks) -> None:
    with checks.case(f"{title} → {' '.join(flaw.due)}"):
        came = verdict(draft)
        assert came.startswith(flaw.due[0]), f"came {came}"
        assert all(word in came for word in flaw.due), f"came {came}"


def alone(scene: Scene, checks: Checks) -> None:
    with checks.case("the good request of this scene is granted"):
        came = verdict(scene.draft())
        assert came == "granted", f"came {came}"
    for flaw in scene.flaws:
        demand(flaw.spoil(scene.draft()), flaw, flaw.name, checks)


def in_pairs(scene: Scene, checks: Checks) -> None:
    """A request that fails two checks tells the earlier one."""
    for first, second in itertools.combinations(scene.flaws, 2):
        if excluded(first, second):
            continue
        demand(second.spoil(first.spoil(scene.draft())), first, f"{first.name} + {second.name}", checks)


def all_at_once(scene: Scene, checks: Checks) -> None:
    """Each check with every later one failing too: mending them one by one walks down the law's list."""
    for at, flaw in enumerate(scene.flaws):
        draft, made = scene.draft(), []
        for each in scene.flaws[at:]:
            if not any(excluded(earlier, each) for earlier in made):
                draft = each.spoil(draft)
                made.append(each)
        demand(draft, flaw, f"{flaw.name} + all {len(made) - 1} that can follow", checks)


def excluded(first: Flaw, second: Flaw) -> bool:
    """Flaws that cannot both be: one part twice, no ovt and something wrong in it, entry and its services."""
    parts = {first.part, second.part}
    if first.part == second.part:
        return True
    # Another initiator has another BIN, another key and other services: only its own means stay.
    if "caller" in parts and parts & {"sender", "password", "company_bin"}:
        return True
    # A wrong signature says nothing about claims, which is why the law looks at it first; that pair stays.
    return first.name == "ovt missing" and second.part in {"cbin", "mcheck", "date"}


# --- one ovt, one token -------------------------------------------------------------------------------


def memory(world: World, checks: Checks) -> None:
    uin = world.sandbox.subject("yes").iin
    akimat, stat = world.akimat, world.caller("stat", "shep")
    for name, caller, ask, mcheck in (("3", akimat, ask_proactive, "BIO"), ("4", stat, ask_logging, "NONE")):
        with checks.case(f"method {name}: the same ask gives the same token, another subject another"):
            token = caller.ovt(mcheck=mcheck)
            services = caller.initiator.services
            first = assert_reply(ask(world, caller, uin, services, ovt=token), "VALID", "granted")
            again = assert_reply(ask(world, caller, uin, services[::-1], ovt=token), "VALID", "granted")
            assert first.token == again.token and first.request_id == again.request_id, "another token"
            other = ask(world, caller, world.sandbox.subject("no").iin, services, ovt=token)
            assert assert_reply(other, "VALID", "granted").token != first.token, "one token for two subjects"
        with checks.case(f"method {name}: an ovt bound to another subject is ovt-subject"):
            token = caller.ovt(mcheck=mcheck, uin=world.sandbox.subject("no").iin)
            assert_reply(ask(world, caller, uin, caller.initiator.services, ovt=token), "INVALID", "ovt-subject")
        with checks.case(f"method {name}: after cancel of its token the ovt is ovt-used"):
            token = caller.ovt(mcheck=mcheck)
            services = caller.initiator.services
            first = assert_reply(ask(world, caller, uin, services, ovt=token), "VALID", "granted")
            ended = caller.repeat(uin, services, first.request_id, cancel="true")
            assert_reply(ended, "INVALID", "cancelled")
            assert_reply(ask(world, caller, uin, services, ovt=token), "INVALID", "ovt-used")
