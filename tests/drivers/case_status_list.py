"""/token-status: the signed status list, for owners that must survive the service being away."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
import zlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from case_ground import ask_logging, ask_proactive
from check import Checks
from command import Command
from kdp_client import World
from reply import Reply
from sandbox import Sandbox
from service_client import (
    Parties,
    approve,
    check_by_code,
    claims_of,
    decide,
    granted,
    jti_of,
    refuse,
    revoke,
    verified_twice,
)
from workdays import end_of

VALID, INVALID, SUSPENDED, UNDER_REVIEW = range(4)
MANY = 400
POLLS = 25


def run_alone(binary: Path, folder: Path, checks: Checks) -> None:
    """In a sandbox of its own, so that the list holds what these cases made."""
    with Sandbox(binary, folder / "data", folder / "log") as sandbox:
        world = World(sandbox, folder / "data")
        checks.topic("status list, form")
        form(world, checks)
        checks.topic("status list, agreement with the check")
        agreement(world, checks, Command(binary, folder / "data"), folder)
        checks.topic("status list, effort")
        bounded(world, checks)
        many(world, checks)


@dataclass(frozen=True)
class Got:
    """One answer of GET /token-status."""

    status: int
    headers: dict[str, str]
    body: bytes


def get(sandbox: Sandbox, method: str = "GET", **headers: str) -> Got:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(f"http://127.0.0.1:{sandbox.port}/token-status", None, named, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return Got(answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read())
    except urllib.error.HTTPError as refused:
        return Got(refused.code, {name.lower(): value for name, value in refused.headers.items()}, refused.read())


def opened(world: World, got: Got | None = None) -> dict[str, Any]:
    """The claims of the list, verified by two libraries against the published keys."""
    whole = got or get(world.sandbox)
    assert whole.status == 200, f"HTTP {whole.status}"
    return verified_twice(whole.body.decode("ascii"), world.through_shep.jwks(), "statuslist+jwt")


def entries(claims: dict[str, Any]) -> bytes:
    packed = claims["status_list"]["lst"]
    assert "=" not in packed and not set(packed) & set("+/\n "), "lst is not base64url without padding"
    return zlib.decompress(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))


def entry(claims: dict[str, Any], token: str) -> int:
    """The two bits of this token: the lowest bits of a byte come first."""
    at = claims_of(token)["status"]["status_list"]["idx"]
    octets = entries(claims)
    assert at // 4 < len(octets), f"index {at} is beyond the list of {len(octets) * 4}"
    return octets[at // 4] >> (at % 4 * 2) & 3


def form(world: World, checks: Checks) -> None:
    sandbox, uin = world.sandbox, world.sandbox.subject("yes").iin
    reply = granted(world.through_shep, uin, world.services)
    with checks.case("200, application/statuslist+jwt, typ statuslist+jwt, signed by a published key"):
        got = get(sandbox)
        opened(world, got)
        assert got.headers["content-type"].split(";")[0] == "application/statuslist+jwt", got.headers["content-type"]
    with checks.case("bits is 2, lst is zlib, ttl and iat are there, exp is not passed"):
        claims = opened(world)
        assert claims["status_list"]["bits"] == 2, f"bits {claims['status_list']['bits']}"
        assert set(claims["status_list"]) <= {"bits", "lst", "aggregation_uri"}, f"{sorted(claims['status_list'])}"
        assert isinstance(claims["ttl"], int) and claims["ttl"] > 0, f"ttl {claims.get('ttl')!r}"
        now = sandbox.now().timestamp()
        assert abs(claims["iat"] - now) < claims["ttl"] + 60, f"iat is {claims['iat'] - now:.0f} s from now"
        assert claims.get("exp", now + 1) > now, "exp has passed"
        entries(claims)
    with checks.case("sub is the uri in the tokens, and the uri is where the list is"):
        reference = claims_of(reply.token)["status"]["status_list"]
        assert set(reference) == {"idx", "uri"} and isinstance(reference["idx"], int), f"{sorted(reference)}"
        assert opened(world)["sub"] == reference["uri"], "sub is not uri"
        assert reference["uri"] == f"http://127.0.0.1:{sandbox.port}/token-status", "uri is elsewhere"
    with checks.case("every token has its own index"):
        tokens = [granted(world.through_shep, uin, world.services).token for _ in range(20)]
        seen = [claims_of(each)["status"]["status_list"]["idx"] for each in tokens]
        assert len(set(seen)) == 20, f"{len(set(seen))} indices for 20 tokens"
    with checks.case("ETag; the same ETag in If-None-Match gives 304 without a body, another gives 200"):
        got = get(sandbox)
        tag = got.headers["etag"]
        assert tag.startswith('"') or tag.startswith('W/"'), f"ETag {tag}"
        for condition in (tag, f'"other", {tag}', "*"):
            again = get(sandbox, If_None_Match=condition)
            assert again.status == 304 and not again.body, f"{condition}: HTTP {again.status}"
            assert again.headers.get("etag") == tag, "304 without the ETag"
        assert get(sandbox, If_None_Match='"other"').status == 200
    with checks.case("Cache-Control lets nobody keep it beyond its ttl"):
        got = get(sandbox)
        control = got.headers.get("cache-control", "")
        ages = [int(part.split("=")[1]) for part in control.replace(" ", "").split(",") if part.startswith("max-age=")]
        assert ages and ages[0] <= opened(world, got)["ttl"], f"Cache-Control {control!r}"
    with checks.case("HEAD answers without a body, POST is 405"):
        assert get(sandbox, "HEAD").status in {200, 405} and not get(sandbox, "HEAD").body
        assert get(sandbox, "POST").status == 405


def agreement(world: World, checks: Checks, command: Command, folder: Path) -> None:
    sandbox, caller, services = world.sandbox, world.through_shep, world.services
    parties, uin = Parties(world), world.sandbox.subject("yes").iin
    stat = world.caller("stat", "shep")
    made: dict[str, Reply] = {}

    def new(title: str, **values: str) -> Reply:
        sandbox.advance("PT1S")
        made[title] = granted(caller, uin, services, **values)
        return made[title]

    def filed(reply: Reply) -> str:
        return revoke(parties.egov, uin, jti_of(reply.token)).must("application_id")

    filed(new("lapsed"))
    deadline = revoke(parties.egov, uin, jti_of(made["lapsed"].token)).must("deadline")
    sandbox.set_clock(end_of(date.fromisoformat(deadline)) + timedelta(seconds=2))
    new("active")
    made["active by method 3"] = ask_proactive(world, world.akimat, uin, world.akimat.initiator.services)
    made["active by method 4"] = ask_logging(world, stat, uin, stat.initiator.services)
    filed(new("under review"))
    decide(parties.bank, refuse(filed(new("refused"))))
    decide(parties.bank, approve(filed(new("approved"))))
    caller.repeat(uin, services, new("cancelled").request_id, cancel="true")
    sandbox.advance(f"PT{opened(world)['ttl'] + 1}S")
    claims = opened(world)
    due = {
        "lapsed": INVALID,
        "active": VALID,
        "active by method 3": VALID,
        "active by method 4": VALID,
        "under review": UNDER_REVIEW,
        "refused": VALID,
        "approved": INVALID,
        "cancelled": INVALID,
    }
    for title, reply in made.items():
        with checks.case(f"{title}: {due[title]} in the list, and the check says the same"):
            assert entry(claims, reply.token) == due[title], f"the list has {entry(claims, reply.token)}"
            told = check_by_code(parties.owner, reply.token, claims_of(reply.token)["services"][0])
            by_check = {
                ("active", "false"): VALID,
                ("active", "true"): UNDER_REVIEW,
                ("not-active", "false"): INVALID,
                ("suspended", "false"): SUSPENDED,
            }[told.must("status"), told.must("revocation_pending")]
            assert by_check == due[title], told.brief()
    by_command(world, checks, command, folder, {title: (reply.token, due[title]) for title, reply in made.items()})
    with checks.case("one revocation changes one entry"):
        before = entries(opened(world))
        decide(parties.bank, approve(filed(made["active"])))
        sandbox.advance(f"PT{claims['ttl'] + 1}S")
        after = entries(opened(world))
        changed = [at for at in range(4 * max(len(before), len(after))) if two_bits(before, at) != two_bits(after, at)]
        expired = claims_of(made["active by method 4"].token)["status"]["status_list"]["idx"]
        mine = claims_of(made["active"].token)["status"]["status_list"]["idx"]
        assert mine in changed and set(changed) <= {mine, expired}, f"{len(changed)} entries changed"


def by_command(
    world: World, checks: Checks, command: Command, folder: Path, made: dict[str, tuple[str, int]]
) -> None:
    """What an owner without a line to the service finds, by files alone."""
    files = {name: folder / name for name in ("jwks", "list", "token")}
    files["jwks"].write_text(json.dumps(world.through_shep.jwks()))
    files["list"].write_bytes(get(world.sandbox).body)

    def verified(token: str, at: datetime, *more: str) -> tuple[int, str]:
        files["token"].write_text(token)
        claims = claims_of(token)
        words = [str(files["token"]), "--jwks", str(files["jwks"]), "--status-list", str(files["list"])]
        words += ["--uin", claims["uin"], "--bin", claims["cbin"], "--service", claims["services"][0]]
        done = command.bare("token", "verify", *words, "--at", at.isoformat(), "--json", *more)
        return done.code, json.loads(done.out)["code"]

    now = world.sandbox.now()
    codes = {VALID: (0, "valid"), INVALID: (1, "revoked"), UNDER_REVIEW: (0, "under-review")}
    with checks.case("kdp token verify finds of each what the list says"):
        for title, (token, standing) in made.items():
            found = verified(token, now)
            assert found == codes[standing], f"{title}: {found}"
    with checks.case("a list older than its ttl is a no, but to who says how old it may be, and after its exp to all"):
        token, later = made["active"][0], now + timedelta(hours=1)
        assert verified(token, later) == (1, "list-stale")
        assert verified(token, later, "--list-max-age", "2h") == (0, "valid")
        assert verified(token, now + timedelta(days=2), "--list-max-age", "90d") == (1, "list-expired")


def two_bits(octets: bytes, at: int) -> int:
    return octets[at // 4] >> (at % 4 * 2) & 3 if at // 4 < len(octets) else 0


def bounded(world: World, checks: Checks) -> None:
    """Re-encoding happens at most once per ttl, however much changes and however often it is asked."""
    sandbox, parties, uin = world.sandbox, Parties(world), world.sandbox.subject("no").iin
    with checks.case(f"{POLLS} changes and polls within one ttl sign at most two lists"):
        ttl = opened(world)["ttl"]
        sandbox.advance(f"PT{ttl + 1}S")
        began = sandbox.now()
        tags, bodies = set(), set()
        for _ in range(POLLS):
            reply = granted(world.through_shep, uin, world.services)
            revoke(parties.egov, uin, jti_of(reply.token))
            got = get(sandbox)
            tags.add(got.headers["etag"])
            bodies.add(got.body)
        passed = (sandbox.now() - began).total_seconds()
        most = 2 + int(passed // ttl)
        assert len(tags) == len(bodies) <= most, f"{len(bodies)} lists in {passed:.1f} s with a ttl of {ttl} s"
    with checks.case("after the ttl the new state is there, under a new ETag"):
        old = get(sandbox)
        reply = granted(world.through_shep, uin, world.services)
        world.through_shep.repeat(uin, world.services, reply.request_id, cancel="true")
        sandbox.advance(f"PT{ttl + 1}S")
        got = get(sandbox, If_None_Match=old.headers["etag"])
        assert got.status == 200 and got.headers["etag"] != old.headers["etag"], f"HTTP {got.status}"
        assert entry(opened(world, got), reply.token) == INVALID


def many(world: World, checks: Checks) -> None:
    sandbox, uin = world.sandbox, world.sandbox.subject("twice").iin
    with checks.case(f"of {MANY} tokens a third is cancelled: the list has exactly those"):
        replies = [granted(world.through_shep, uin, world.services) for _ in range(MANY)]
        gone = replies[::3]
        for reply in gone:
            world.through_shep.repeat(uin, world.services, reply.request_id, cancel="true")
        sandbox.advance(f"PT{opened(world)['ttl'] + 1}S")
        claims = opened(world)
        wrong = [reply for reply in replies if entry(claims, reply.token) != (INVALID if reply in gone else VALID)]
        assert not wrong, f"{len(wrong)} entries are wrong"
    with checks.case("the list is answered fast"):
        began = time.monotonic()
        for _ in range(20):
            get(sandbox)
        assert time.monotonic() - began < 2, f"{(time.monotonic() - began) / 20 * 1000:.0f} ms each"
