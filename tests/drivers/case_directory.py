"""Directory entries (F-7 5): services and lifetimes are bounded by the entry, and a token names it."""

from __future__ import annotations

from typing import Any

from check import Checks
from kdp_client import Caller, World, assert_reply
from service_client import Parties, check_by_code, claims_of

DAY = 86_400


def run(world: World, checks: Checks) -> None:
    for label, caller in (("through shep", world.through_shep), ("direct", world.direct)):
        checks.topic(f"directory {label}")
        bounds(world, caller, checks)
        unusable(world, caller, checks)
        earlier_first(world, caller, checks)
    checks.topic("directory, methods 1 and 5")
    asked_methods(world, checks)


def entries(world: World, bin_: str | None) -> list[dict[str, Any]]:
    return [each for each in world.sandbox.info["directory"] if each["bin"] == bin_]


def short_entry(world: World, caller: Caller) -> dict[str, Any]:
    """An entry that allows less than the initiator's registration does, in services and in time."""
    found = [
        each
        for each in entries(world, caller.initiator.bin)
        if set(each["services"]) < set(caller.initiator.services) and each["period_seconds"] < DAY
    ]
    assert found, "no entry that is narrower than the registration"
    return found[0]


def bounds(world: World, caller: Caller, checks: Checks) -> None:
    uin, entry = world.sandbox.subject("yes").iin, short_entry(world, caller)
    period, named = entry["period_seconds"], {"directory_id": entry["id"]}
    outside = next(each for each in caller.initiator.services if each not in entry["services"])
    with checks.case("the entry's services, for its period; the token and the owner's check name the entry"):
        reply = caller.ask_own(uin, entry["services"], caller.ovt(), **named)
        assert_reply(reply, "VALID", "granted")
        caller.check_token(reply, uin, entry["services"], 2, directory_id=entry["id"], life_seconds=period)
        told = check_by_code(Parties(world).owner, reply.token, entry["services"][0])
        assert told.must("token/directory_id") == entry["id"], told.brief()
    with checks.case("access_name absent: all services of the entry"):
        for each in entries(world, caller.initiator.bin):
            if each.get("valid_until") is None:
                values = caller.fields(uin, [], directory_id=each["id"], omit_sms="true", ovt=caller.ovt())
                reply = assert_reply(caller.send(values | {"access_name": None}), "VALID", "granted")
                caller.check_token(reply, uin, each["services"], 2, directory_id=each["id"])
    with checks.case("personal_data_name absent: that of the entry is recorded"):
        reply = caller.ask_own(uin, entry["services"], caller.ovt(), **named, personal_data_name=None)
        assert assert_reply(reply, "VALID", "granted") and claims_of(reply.token)["data"], "data is empty"
    with checks.case("a service outside the entry is service-not-allowed, though the registration allows it"):
        assert_reply(caller.ask_own(uin, [outside], caller.ovt()), "VALID", "granted")
        for asked in ([outside], [*entry["services"], outside]):
            assert_reply(caller.ask_own(uin, asked, caller.ovt(), **named), "INVALID", "service-not-allowed")
    with checks.case("expiresIn up to the entry's period"):
        for seconds in (1, 60, period):
            reply = caller.ask_own(uin, entry["services"], caller.ovt(), **named, expiresIn=str(seconds * 1000))
            assert_reply(reply, "VALID", "granted")
            caller.check_token(reply, uin, entry["services"], 2, directory_id=entry["id"], life_seconds=seconds)
    with checks.case("a second more is term-too-long, though the registration allows it"):
        term = str((period + 1) * 1000)
        assert_reply(caller.ask_own(uin, entry["services"], caller.ovt(), expiresIn=term), "VALID", "granted")
        reply = caller.ask_own(uin, entry["services"], caller.ovt(), **named, expiresIn=term)
        assert_reply(reply, "INVALID", "term-too-long")
    with checks.case("a directory_id of blanks around it, or in other letters, is no other entry"):
        reply = caller.ask_own(uin, entry["services"], caller.ovt(), directory_id=entry["id"].upper())
        assert_reply(reply, "INVALID", "directory-unknown")


def unusable(world: World, caller: Caller, checks: Checks) -> None:
    uin = world.sandbox.subject("yes").iin
    mine = caller.initiator.bin
    expired = [each for each in entries(world, mine) if each.get("valid_until")]
    foreign = [each for each in world.sandbox.info["directory"] if each["bin"] != mine]
    for entry in expired:
        with checks.case("an entry no longer in force is directory-expired"):
            reply = caller.ask_own(uin, entry["services"], caller.ovt(), directory_id=entry["id"])
            assert_reply(reply, "INVALID", "directory-expired")
    with checks.case("the sandbox has an entry that is no longer in force"):
        assert expired, "none"
    texts = set()
    for which, entry_id in (*(("another's entry", each["id"]) for each in foreign), ("an entry of nobody", "dir-x")):
        with checks.case(f"{which} is directory-unknown"):
            services = caller.initiator.services[:1]
            reply = caller.ask_own(uin, services, caller.ovt(), directory_id=entry_id, lang="en")
            assert_reply(reply, "INVALID", "directory-unknown")
            texts.add(reply.data["reason_text"].replace(entry_id, ""))
    with checks.case("another's entry and an entry of nobody are answered alike"):
        assert len(texts) == 1, f"{len(texts)} texts"


def earlier_first(world: World, caller: Caller, checks: Checks) -> None:
    """Method → entry known → in force → services → term → ovt."""
    uin, entry = world.sandbox.subject("yes").iin, short_entry(world, caller)
    expired = next(each for each in entries(world, caller.initiator.bin) if each.get("valid_until"))
    outside = next(each for each in caller.initiator.services if each not in entry["services"])
    too_long = str(400 * DAY * 1000)
    for title, due, services, values in (
        ("expired + service outside it", "directory-expired", [outside], {"directory_id": expired["id"]}),
        (
            "expired + too long + no ovt",
            "directory-expired",
            expired["services"],
            {"directory_id": expired["id"], "expiresIn": too_long, "ovt": None},
        ),
        (
            "service outside + too long + no ovt",
            "service-not-allowed",
            [outside],
            {"directory_id": entry["id"], "expiresIn": too_long, "ovt": None},
        ),
        (
            "too long + no ovt",
            "term-too-long",
            entry["services"],
            {"directory_id": entry["id"], "expiresIn": too_long, "ovt": None},
        ),
        ("no ovt", "ovt-missing", entry["services"], {"directory_id": entry["id"], "ovt": None}),
    ):
        with checks.case(f"{title} → {due}"):
            reply = caller.ask(uin, services, omit_sms="true", **({"ovt": caller.ovt()} | values))
            assert_reply(reply, "INVALID", due)


def asked_methods(world: World, checks: Checks) -> None:
    caller, entry = world.through_shep, short_entry(world, world.through_shep)
    with checks.case("method 1 by an entry: the token lives the entry's period and names it"):
        world.sandbox.advance("PT25H")
        uin = world.sandbox.subject("yes").iin
        values = {"omit_sms": "false", "directory_id": entry["id"]}
        first = assert_reply(caller.ask(uin, entry["services"], **values), "PENDING", "waiting")
        world.sandbox.advance("PT1M")
        reply = assert_reply(caller.repeat(uin, entry["services"], first.request_id), "VALID", "granted")
        caller.check_token(
            reply, uin, entry["services"], 1, directory_id=entry["id"], life_seconds=entry["period_seconds"]
        )
    with checks.case("a refused entry sends no SMS"):
        subject = world.sandbox.subject("silent")
        before = world.sandbox.inbox(subject.msisdn or "")
        for method in ("1", "5"):
            values = {"omit_sms": "false", "method": method, "directory_id": "dir-x"}
            reply = caller.ask(subject.iin, entry["services"], **values)
            assert_reply(reply, "INVALID", "directory-unknown")
        world.sandbox.advance("PT1M")
        assert world.sandbox.inbox(subject.msisdn or "") == before, "an SMS went out"
