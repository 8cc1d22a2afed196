"""KDP_PERSONALDATA: who asked about a subject and who looked, for the subject to see (F-14, wire.md 2.3)."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from case_ground import ask_logging, ask_proactive
from check import Checks
from envelope import Wrapper
from kdp_client import World
from reply import OUR_TIME
from service_client import (
    PD,
    SCHEMAS,
    Parties,
    Tree,
    accesses,
    all_accesses,
    check_by_code,
    check_by_id,
    claims_of,
    granted,
    jti_of,
    stamp,
)

# The published schema: at most so many, older ones by an earlier end_date.
PAGE = 500
MANY = 550


def run(world: World, checks: Checks) -> None:
    parties = Parties(world)
    checks.topic("access log")
    every_check(world, parties, checks)
    what_is_said(world, parties, checks)
    periods(world, parties, checks)
    no_access(world, parties, checks)
    checks.topic("access log, bad input and roles")
    bad_input(world, parties, checks)


def day(world: World) -> tuple[datetime, datetime]:
    """A day behind and a minute ahead of now."""
    now = world.sandbox.now()
    return now - timedelta(days=1), now + timedelta(minutes=1)


def rows_of(world: World, parties: Parties, uin: str, token_id: str | None = None) -> list[dict[str, Any]]:
    rows = accesses(parties.egov, uin, *day(world))
    return [row for row in rows if token_id is None or row["token_id"] == token_id]


def looks(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The owner's checks among the rows."""
    return [row for row in rows if row["kind"] == "access"]


def every_check(world: World, parties: Parties, checks: Checks) -> None:
    uin, services = world.sandbox.subject("yes").iin, world.services
    with checks.case(f"each of {MANY} checks by the owner is one access with its time, newest first"):
        reply = granted(world.through_shep, uin, services)
        jti, done = jti_of(reply.token), []
        for at in range(MANY):
            service = services[at % len(services)]
            told = (
                check_by_code(parties.owner, reply.token, service)
                if at % 2
                else check_by_id(parties.owner, jti, service, uin)
            )
            done.append((told.must("checked_at"), [service]))
        whole = all_accesses(parties.egov, uin, *day(world))
        found = [(row["when"], row["services"]) for row in looks(whole) if row["token_id"] == jti]
        assert len(found) == MANY, f"{len(found)} accesses"
        assert sorted(found) == sorted(done), "times or services differ"
        page = [row["when"] for row in rows_of(world, parties, uin)]
        assert len(page) == PAGE, f"{len(page)} on a page"
        assert page == sorted((row["when"] for row in whole), reverse=True)[:PAGE], "not the newest, newest first"
    with checks.case("a check of a token that has ended is an access too"):
        reply = granted(world.through_shep, uin, services)
        world.through_shep.repeat(uin, services, reply.request_id, cancel="true")
        check_by_code(parties.owner, reply.token, services[0])
        found = looks(rows_of(world, parties, uin, jti_of(reply.token)))
        assert len(found) == 1 and found[0]["status"] != "active", f"{[row['status'] for row in found]}"


def what_is_said(world: World, parties: Parties, checks: Checks) -> None:
    sandbox = world.sandbox
    uin = sandbox.subject("yes").iin
    stat = world.caller("stat", "shep")
    asks = {
        2: (world.through_shep, granted(world.through_shep, uin, world.services)),
        3: (world.akimat, ask_proactive(world, world.akimat, uin, world.akimat.initiator.services)),
        4: (stat, ask_logging(world, stat, uin, stat.initiator.services)),
    }
    for method, (caller, reply) in asks.items():
        with checks.case(f"method {method}: who, when, which ServiceIDs, method, ground, token id, status"):
            claims = claims_of(reply.token)
            check_by_code(parties.owner, reply.token, claims["services"][0])
            rows = rows_of(world, parties, uin, claims["jti"])
            kinds = sorted(row["kind"] for row in rows)
            assert kinds == ["access", "request"], f"kinds {kinds}"
            for row in rows:
                assert row["initiator"]["bin"] == caller.initiator.bin, "another initiator"
                assert row["method"] == method and row["ground"] == claims.get("ground"), "method or ground"
                assert OUR_TIME.fullmatch(row["when"]), f"when {row['when']!r}"
                assert row["status"] == "active", f"status {row['status']}"
            access = looks(rows)[0]
            assert access["owner"]["bin"] == parties.owner.peer.bin, "another owner"
            request = next(row for row in rows if row["kind"] == "request")
            assert set(request["services"]) == set(claims["services"]), "services of the request"
    with checks.case("the rows follow a published JSON schema"):
        schema = published_schema()
        properties = schema["items"]["properties"] if "items" in schema else schema["properties"]
        required = schema["items"]["required"] if "items" in schema else schema["required"]
        for row in rows_of(world, parties, uin):
            assert set(required) <= set(row) <= set(properties), f"members {sorted(row)}"
    with checks.case("nobody's IIN, phone or token is in the rows"):
        text = json.dumps(rows_of(world, parties, uin))
        phones = [each.msisdn for each in sandbox.subjects if each.msisdn]
        assert not any(each in text for each in [uin, *phones, asks[2][1].token]), "a secret"


def published_schema() -> dict[str, Any]:
    """The JSON schema of r_pdata (wire.md 2.3: "with a documented JSON schema")."""
    found = [
        path for path in Path(SCHEMAS).glob("*.json") if "token_id" in (text := path.read_text()) and '"when"' in text
    ]
    assert len(found) == 1, f"{len(found)} JSON schemas in schemas/ that speak of accesses"
    return json.loads(found[0].read_text())


def periods(world: World, parties: Parties, checks: Checks) -> None:
    uin, services = world.sandbox.subject("yes").iin, world.services[:1]
    reply = granted(world.through_shep, uin, services)
    times = []
    for _ in range(3):
        world.sandbox.advance("PT1H")
        times.append(datetime.fromisoformat(check_by_code(parties.owner, reply.token, services[0]).must("checked_at")))
    first, middle, last = times
    tick = timedelta(milliseconds=1)

    def seen(start: datetime, end: datetime) -> list[datetime]:
        rows = looks(accesses(parties.egov, uin, start, end))
        mine = [datetime.fromisoformat(row["when"]) for row in rows if row["token_id"] == jti_of(reply.token)]
        return sorted(mine)

    with checks.case("the beginning of the period counts, what is before it does not"):
        assert seen(middle, last + tick) == [middle, last], f"{len(seen(middle, last + tick))} rows"
        assert seen(middle + tick, last + tick) == [last], "a row from before"
    with checks.case("what is after the end does not count"):
        assert seen(first, middle - tick) == [first], "a row from after"
        assert seen(first - tick, last + tick) == times, "a row is missing"
    with checks.case("a period before and one after everything are empty"):
        year = timedelta(days=365)
        assert seen(first - 2 * year, first - year) == [], "rows a year ago"
        assert seen(last + timedelta(minutes=1), last + year) == [], "rows of the future"
    with checks.case("times without an offset are of Astana, others are honoured"):
        for start, end in (
            (middle.replace(tzinfo=None).isoformat(), (last + tick).replace(tzinfo=None).isoformat()),
            tuple((each - timedelta(hours=5)).replace(tzinfo=None).isoformat() + "Z" for each in (middle, last + tick)),
        ):
            payload = [("uin", uin), ("start_date", start), ("end_date", end)]
            told = parties.egov.done("KDP_PERSONALDATA", payload, namespace=PD)
            rows = [row for row in looks(json.loads(told.must("r_pdata"))) if row["token_id"] == jti_of(reply.token)]
            assert len(rows) == 2, f"{len(rows)} rows"


def no_access(world: World, parties: Parties, checks: Checks) -> None:
    yes, no = world.sandbox.subject("yes").iin, world.sandbox.subject("no").iin
    services = world.services
    reply = granted(world.through_shep, yes, services[:1])
    jti = jti_of(reply.token)
    with checks.case("another subject is not shown these rows"):
        check_by_code(parties.owner, reply.token, services[0])
        assert rows_of(world, parties, yes, jti) and not rows_of(world, parties, no, jti), "shown to another"
    with checks.case("a check that asked about another subject does not name the token to that subject"):
        check_by_code(parties.owner, reply.token, services[0], uin=no)
        assert jti not in json.dumps(rows_of(world, parties, no)), "the token of another"
    with checks.case("a check for another service, or refused with KDP403, is no access to this token"):
        before = len(looks(rows_of(world, parties, yes, jti)))
        check_by_code(parties.owner, reply.token, services[1])
        parties.owner.fault("KDP_CHECK_TOKEN", [("code", reply.token), ("service_id", "GBDUL_token")])
        parties.bank.fault("KDP_CHECK_TOKEN", [("code", reply.token), ("service_id", services[0])])
        assert len(looks(rows_of(world, parties, yes, jti))) == before, "counted"
    with checks.case("looking at the log does not change it"):
        assert rows_of(world, parties, yes, jti) == rows_of(world, parties, yes, jti), "it changed"
    with checks.case("a subject without requests has an empty array"):
        assert rows_of(world, parties, world.sandbox.subject("bmg-down").iin) == [], "not empty"


def bad_input(world: World, parties: Parties, checks: Checks) -> None:
    uin = world.sandbox.subject("yes").iin
    start, end = (stamp(each) for each in day(world))
    good = {"uin": uin, "start_date": start, "end_date": end}

    def payload(**values: str | None) -> Tree:
        return [(name, text) for name, text in (good | values).items() if text is not None]

    for title, named, what in (
        ("no uin", "uin", payload(uin=None)),
        ("uin with a wrong control digit", "uin", payload(uin=uin[:-1] + str((int(uin[-1]) + 1) % 10))),
        ("no start_date", "start_date", payload(start_date=None)),
        ("no end_date", "end_date", payload(end_date=None)),
        ("start_date no time", "start_date", payload(start_date="yesterday")),
        ("end_date the 31st of November", "end_date", payload(end_date="2026-11-31T00:00:00+05:00")),
        ("end before start", "end_date", payload(start_date=end, end_date=start)),
        ("an unknown element", "surprise", [*payload(), ("surprise", "1")]),
    ):
        with checks.case(f"{title} is SCSE002 and named"):
            told = parties.egov.call("KDP_PERSONALDATA", what, namespace=PD)
            assert told.code == "SCSE002" and named in told.message, told.brief()
    for wrapper in (Wrapper.SEND_MESSAGE, Wrapper.SEND_MESSAGE_REQUEST):
        for namespace in (PD, None):
            qualified = "in its namespace" if namespace else "unqualified"
            with checks.case(f"{re.sub('{.*}', '', wrapper.tag)}, {qualified}, is read"):
                told = parties.egov.done("KDP_PERSONALDATA", payload(), namespace=namespace, wrapper=wrapper)
                assert told.must("uin") == uin, "uin"
    for name in ("bank", "owner", "sms1414", "stat"):
        for signer in (name, "shep"):
            with checks.case(f"{name} ({signer}) may not read the log: KDP403"):
                fault = parties.party(name, signer).fault("KDP_PERSONALDATA", payload(), namespace=PD)
                assert fault.error_code == "KDP403", fault.faultstring
