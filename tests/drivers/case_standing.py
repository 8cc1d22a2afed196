"""What an operator or the subject changes: blocks, freezes, suspensions, registrations, keys, acts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import jwt

from case_ground import ask_logging, ask_proactive, ground_for, proactive_service
from case_revocation import fresh, status
from case_status_list import INVALID, SUSPENDED, VALID, entry, opened
from check import Checks
from command import Command
from jws import ovt
from kdp_client import Caller, World, assert_reply
from reply import Reply
from sandbox import Sandbox
from service_client import (
    Parties,
    accesses,
    approve,
    check_by_code,
    claims_of,
    decide,
    jti_of,
    open_applications,
    revocation_state,
    revoke,
)
from workdays import ASTANA, due, skipped, works

# A running service notices a change by the command line within this many seconds.
NOTICED = 3.0


def run_alone(binary: Path, folder: Path, checks: Checks) -> None:
    """In a sandbox of its own: registrations change here."""
    data = folder / "data"
    with Sandbox(binary, data, folder / "log") as sandbox:
        world, command = World(sandbox, data), Command(binary, data)
        parties = Parties(world)
        checks.topic("standing, the commands")
        for words in (
            *(("subject", verb) for verb in ("block", "unblock", "freeze", "unfreeze", "erase")),
            *(("initiator", verb) for verb in ("suspend", "resume", "set-methods", "set-logging")),
            *(("directory", verb) for verb in ("add", "revise", "end")),
            ("ground", "add"),
            ("proactive", "add"),
            ("keys", "distrust"),
            ("calendar", "load"),
            ("application", "preflight"),
        ):
            with checks.case(f"kdp {' '.join(words)} exists and takes --data"):
                done = command.plain(*words, "--help")
                assert "--data <DIR>" in done, "no --data <DIR>"
        checks.topic("standing, block")
        block(world, parties, command, checks)
        checks.topic("standing, freeze")
        freeze(world, parties, command, checks)
        checks.topic("standing, suspended initiator")
        suspension(world, parties, command, checks)
        checks.topic("standing, registrations")
        logging_allowed(world, command, checks)
        other_ground(world, command, checks)
        checks.topic("standing, directory")
        revisions(world, parties, command, checks)
        checks.topic("standing, a new act of the calendar")
        new_act(world, parties, command, checks, folder)
        checks.topic("standing, erase")
        erase(world, parties, command, checks)
        checks.topic("standing, distrusted key")
        distrust(world, parties, command, checks)


def eventually(what: Callable[[], object], due_value: object) -> None:
    """A command's change is seen within NOTICED seconds."""
    ends = time.monotonic() + NOTICED
    while (came := what()) != due_value and time.monotonic() < ends:
        time.sleep(0.1)
    assert came == due_value, f"{came!r} after {NOTICED} s, expected {due_value!r}"


def ask_each(world: World, uin: str) -> Iterator[tuple[int, Callable[[], Reply]]]:
    """A new ask by each of the five methods."""
    bank, stat = world.through_shep, world.caller("stat", "shep")
    services = bank.initiator.services[:1]
    yield 1, lambda: bank.ask(uin, services, omit_sms="false")
    yield 2, lambda: bank.ask_own(uin, services, bank.ovt())
    yield 3, lambda: ask_proactive(world, world.akimat, uin, services)
    yield 4, lambda: ask_logging(world, stat, uin, services)
    yield 5, lambda: bank.ask(uin, services, omit_sms="false", method="5")


def block(world: World, parties: Parties, command: Command, checks: Checks) -> None:
    sandbox, uin = world.sandbox, world.sandbox.subject("twice").iin
    stat = world.caller("stat", "shep")
    bank_token = fresh(world, uin)
    waiting = world.through_shep.ask(world.sandbox.subject("twice").iin, world.services, omit_sms="false")
    filed = revoke(parties.egov, uin, jti_of(bank_token.token)).must("application_id")
    logged = ask_logging(world, stat, uin, stat.initiator.services)
    sandbox.advance("PT10S")
    before = sandbox.now()
    sandbox.advance("PT10S")
    with checks.case("kdp subject block"):
        command.do("subject", "block", uin)
    with checks.case("blocked: its tokens answer suspended, of method 4 too"):
        eventually(
            lambda: check_by_code(parties.owner, bank_token.token, world.services[0]).must("status"), "suspended"
        )
        told = check_by_code(parties.owner, bank_token.token, world.services[0])
        assert told.must("active") == "false", told.brief()
        assert status(world, parties, logged).rstrip("+") == "suspended", status(world, parties, logged)
    for method, ask in ask_each(world, uin):
        with checks.case(f"blocked: a new ask of method {method} is subject-blocked"):
            assert_reply(ask(), "INVALID", "subject-blocked")
    with checks.case("blocked: the request that waited gives no token"):
        sandbox.advance("PT1M")
        reply = world.through_shep.repeat(uin, world.services, waiting.request_id)
        assert reply.status != "VALID", reply.brief()
    with checks.case("blocked: the repeat of the old request gives at most the old token"):
        reply = world.through_shep.repeat(uin, world.services, bank_token.request_id)
        assert reply.data.get("code") in {None, bank_token.token}, "a new token"
    with checks.case("blocked: another subject is served"):
        assert_reply(
            world.through_shep.ask_own(sandbox.subject("yes").iin, world.services, world.through_shep.ovt()),
            "VALID",
            "granted",
        )
    with checks.case("blocked: suspended in the status list after its ttl"):
        sandbox.advance(f"PT{opened(world)['ttl'] + 1}S")
        assert entry(opened(world), bank_token.token) == SUSPENDED, f"{entry(opened(world), bank_token.token)}"
    with checks.case("blocked: a time before the block still tells active"):
        assert status(world, parties, bank_token, before).rstrip("+") == "active", "the past changed"
    with checks.case("blocked: the revocation goes on, the initiator sees it"):
        assert any(each["application_id"] == filed for each in open_applications(parties.bank)), "not listed"
    during = sandbox.now()
    sandbox.advance("PT10S")
    with checks.case("blocking twice, unblocking twice: told, nothing changed"):
        for verb, due_status in (("block", "suspended"), ("unblock", "active")):
            for _ in range(2):
                done = command.run("subject", verb, uin)
                assert done.code in {0, 1} and (done.out or done.err), f"exit {done.code}"
                eventually(lambda: status(world, parties, bank_token).rstrip("+"), due_status)
    with checks.case("unblocked: active again, and then was suspended"):
        sandbox.advance("PT10S")
        assert status(world, parties, bank_token).rstrip("+") == "active"
        assert status(world, parties, bank_token, during).rstrip("+") == "suspended", "the block is forgotten"
        assert status(world, parties, bank_token, before).rstrip("+") == "active", "the past changed"
    for method, ask in ask_each(world, uin):
        with checks.case(f"unblocked: a new ask of method {method} is served"):
            assert ask().status in {"VALID", "PENDING"}, ask().brief()
    after_a_block(world, parties, command, checks, uin)


def after_a_block(world: World, parties: Parties, command: Command, checks: Checks, uin: str) -> None:
    with checks.case("a token revoked during a block stays not-active after it"):
        second = fresh(world, uin)
        application = revoke(parties.egov, uin, jti_of(second.token)).must("application_id")
        command.do("subject", "block", uin)
        eventually(lambda: status(world, parties, second).rstrip("+"), "suspended")
        assert decide(parties.bank, approve(application)).must("state") == "approved"
        command.do("subject", "unblock", uin)
        eventually(lambda: status(world, parties, second), "not-active")
    with checks.case("kdp subject block with a wrong IIN is refused and does not print it"):
        wrong = uin[:-1] + str((int(uin[-1]) + 1) % 10)
        done = command.run("subject", "block", wrong)
        assert done.code in {1, 2} and wrong not in done.out + done.err, f"exit {done.code}"


def freeze(world: World, parties: Parties, command: Command, checks: Checks) -> None:
    sandbox, subject = world.sandbox, world.sandbox.subject("manual")
    uin = subject.iin
    old = fresh(world, uin)
    with checks.case("kdp subject freeze"):
        command.do("subject", "freeze", uin)
        bank = world.through_shep
        eventually(lambda: bank.ask_own(uin, world.services[:1], bank.ovt()).reason, "subject-frozen")
    texts = sandbox.inbox(subject.msisdn or "")
    for method, ask in ask_each(world, uin):
        due_reply = ("VALID", "granted") if method == 4 else ("INVALID", "subject-frozen")
        with checks.case(f"frozen: a new ask of method {method} is {due_reply[1]}"):
            assert_reply(ask(), *due_reply)
    with checks.case("frozen: no SMS goes out, what was granted stays active"):
        sandbox.advance("PT1M")
        assert sandbox.inbox(subject.msisdn or "") == texts, "an SMS"
        assert status(world, parties, old) == "active", status(world, parties, old)
        again = world.through_shep.repeat(uin, world.services, old.request_id)
        assert assert_reply(again, "VALID", "granted").token == old.token
    with checks.case("frozen and blocked: method 4 is stopped too, and after the block only frozen"):
        command.do("subject", "block", uin)
        asks = dict(ask_each(world, uin))
        eventually(lambda: asks[4]().reason, "subject-blocked")
        command.do("subject", "unblock", uin)
        eventually(lambda: asks[4]().reason, "granted")
        assert_reply(asks[2](), "INVALID", "subject-frozen")
    with checks.case("unfrozen: served again"):
        command.do("subject", "unfreeze", uin)
        eventually(lambda: dict(ask_each(world, uin))[2]().reason, "granted")
        assert dict(ask_each(world, uin))[1]().status == "PENDING"


def suspension(world: World, parties: Parties, command: Command, checks: Checks) -> None:
    sandbox, uin = world.sandbox, world.sandbox.subject("no").iin
    bank, akimat = world.through_shep, world.akimat
    reply = fresh(world, uin)
    other = ask_proactive(world, akimat, uin, akimat.initiator.services)
    filed = revoke(parties.egov, uin, jti_of(reply.token)).must("application_id")
    sandbox.advance("PT10S")
    before = sandbox.now()
    sandbox.advance("PT10S")
    with checks.case("kdp initiator suspend: its tokens answer suspended, another initiator's do not"):
        command.do("initiator", "suspend", bank.initiator.sender_id or "", "--reason", "проверка")
        eventually(lambda: status(world, parties, reply).rstrip("+"), "suspended")
        assert status(world, parties, other) == "active", status(world, parties, other)
        assert check_by_code(parties.owner, reply.token, world.services[0]).must("active") == "false"
    for method in (1, 2, 5):
        with checks.case(f"suspended: its ask of method {method} gives no token, no SMS, and says why"):
            answered = dict(ask_each(world, uin))[method]()
            assert_reply(answered, "INVALID", "suspended")
    with checks.case("suspended: a time before still tells active, a time since tells suspended"):
        sandbox.advance("PT10S")
        during = sandbox.now()
        sandbox.advance("PT10S")
        assert status(world, parties, reply, before).rstrip("+") == "active", "the past changed"
        assert status(world, parties, reply, during).rstrip("+") == "suspended", "not suspended since"
    with checks.case("suspended: the repeat of its old request gives no token"):
        assert_reply(bank.repeat(uin, world.services, reply.request_id), "INVALID", "suspended")
    with checks.case("suspended: in the status list after its ttl, others as they are"):
        sandbox.advance(f"PT{opened(world)['ttl'] + 1}S")
        claims = opened(world)
        assert entry(claims, reply.token) == SUSPENDED, f"{entry(claims, reply.token)}"
        assert entry(claims, other.token) == VALID, f"{entry(claims, other.token)}"
    with checks.case("suspended: a revocation still ends by silence"):
        last = date.fromisoformat(revocation_state(parties.egov, filed).must("deadline"))
        assert revocation_state(parties.egov, filed).must("state") == "open"
        sandbox.set_clock(
            datetime.combine(last + timedelta(days=1), datetime.min.time(), ASTANA) + timedelta(seconds=1)
        )
        assert revocation_state(parties.egov, filed).must("state") == "lapsed"
    with checks.case("kdp initiator resume: active again, what lapsed stays not-active"):
        second = ask_proactive(world, akimat, uin, akimat.initiator.services)
        command.do("initiator", "resume", bank.initiator.sender_id or "")
        eventually(lambda: dict(ask_each(world, world.sandbox.subject("yes").iin))[2]().reason, "granted")
        assert status(world, parties, reply) == "not-active", status(world, parties, reply)
        assert status(world, parties, second) == "active"
        assert status(world, parties, reply, during).rstrip("+") == "suspended", "the suspension is forgotten"
        sandbox.advance(f"PT{opened(world)['ttl'] + 1}S")
        assert entry(opened(world), reply.token) == INVALID


def logging_allowed(world: World, command: Command, checks: Checks) -> None:
    """`logging-not-allowed` alone and in the law's order: signature → BIN allowed → BIN of ovt → date → ground."""
    akimat, uin = world.akimat, world.sandbox.subject("yes").iin
    services, bank = akimat.initiator.services, world.through_shep
    now = int(world.sandbox.now().timestamp())

    def ask(token: str | None, **values: str | None) -> Reply:
        return ask_logging(world, akimat, uin, services, ovt=token, **values)

    with checks.case("method 4 without logging mode is logging-not-allowed"):
        command.do(
            "initiator",
            "set-methods",
            akimat.initiator.sender_id or "",
            "--methods",
            "1,3,4,5",
            "--basis",
            "a-1",
            "--protocol",
            "p-1",
        )
        eventually(lambda: ask(akimat.ovt(mcheck="NONE")).reason, "logging-not-allowed")
    for title, due_reason, token, values in (
        ("no ovt", "ovt-missing", lambda: None, {}),
        (
            "an ovt of another's key",
            "ovt-signature",
            lambda: ovt(bank.initiator.signer, claims_of(akimat.ovt(mcheck="NONE"))),
            {},
        ),
        (
            "an ovt of another BIN",
            "logging-not-allowed",
            lambda: akimat.ovt(mcheck="NONE", cbin=bank.initiator.bin),
            {},
        ),
        (
            "an expired ovt",
            "logging-not-allowed",
            lambda: akimat.ovt(mcheck="NONE", iat=now - 7200, exp=now - 3600),
            {},
        ),
        ("an unknown ground", "logging-not-allowed", lambda: akimat.ovt(mcheck="NONE"), {"ground_id": "no-such"}),
    ):
        with checks.case(f"logging mode not allowed + {title} → {due_reason}"):
            assert_reply(ask(token(), **values), "INVALID", due_reason)
    with checks.case("kdp initiator set-logging on: granted for 900 s"):
        command.do("initiator", "set-logging", akimat.initiator.sender_id or "", "on", "--basis", "a-2")
        eventually(lambda: ask(akimat.ovt(mcheck="NONE")).reason, "granted")
    with checks.case("kdp initiator set-logging off: refused again"):
        command.do("initiator", "set-logging", akimat.initiator.sender_id or "", "off", "--basis", "a-3")
        eventually(lambda: ask(akimat.ovt(mcheck="NONE")).reason, "logging-not-allowed")


def other_ground(world: World, command: Command, checks: Checks) -> None:
    """The same ovt and IIN with another method, ground or proactive code is ovt-used (wire.md 5)."""
    akimat, bank, uin = world.akimat, world.sandbox.peers["bank"], world.sandbox.subject("yes").iin
    services, bin_ = akimat.initiator.services, akimat.initiator.bin or ""
    with checks.case("a second ground and a second proactive service are registered"):
        command.do(
            "ground", "add", "second-ground", "--text-kk", "Екінші", "--text-ru", "Второе", "--methods", "3",
            "--source", "144/НҚ 4 3)", "--act", "144/НҚ, 2022-04-29, 4 3)", "--confirmed-by", "registrar",
        )  # fmt: skip
        for code, whose, period in (("PRO-2", bin_, "2h"), ("PRO-BANK", bank.bin or "", "2h")):
            command.do(
                "proactive", "add", code, "--bin", whose, "--name-kk", "Қызмет", "--name-ru", "Услуга",
                "--services", ",".join(services), "--period", period,
            )  # fmt: skip
        eventually(lambda: ask_proactive(world, akimat, uin, services, ground_id="second-ground").reason, "granted")
    token = akimat.ovt(mcheck="BIO")
    with checks.case("one ovt for one ground and one code"):
        first = assert_reply(ask_proactive(world, akimat, uin, services, ovt=token), "VALID", "granted")
        again = assert_reply(ask_proactive(world, akimat, uin, services, ovt=token), "VALID", "granted")
        assert first.token == again.token
        for values in ({"ground_id": "second-ground"}, {"proactive_code": "PRO-2"}):
            reply = ask_proactive(world, akimat, uin, services, ovt=token, **values)
            assert_reply(reply, "INVALID", "ovt-used")
    with checks.case("the same ovt by another method is ovt-used"):
        command.do(
            "initiator", "set-methods", akimat.initiator.sender_id or "", "--methods", "1,2,3,4,5", "--basis", "a-4",
            "--own-means", "soc", "--protocol", "p-1",
        )  # fmt: skip
        eventually(lambda: akimat.ask_own(uin, services, akimat.ovt()).reason, "granted")
        assert_reply(akimat.ask_own(uin, services, token), "INVALID", "ovt-used")
    with checks.case("the life of method 3 is the period of the service that the code names"):
        ground = ground_for(world, 3)
        reply = assert_reply(ask_proactive(world, akimat, uin, services, proactive_code="PRO-2"), "VALID", "granted")
        akimat.check_token(reply, uin, services, 3, mcheck="BIO", ground=ground, life_seconds=7200)
        long = ask_proactive(world, akimat, uin, services, proactive_code="PRO-2", expiresIn="7201000")
        assert_reply(long, "INVALID", "term-too-long")
    with checks.case("the code of another BIN's service is proactive-code"):
        reply = ask_proactive(world, akimat, uin, services, proactive_code="PRO-BANK")
        assert_reply(reply, "INVALID", "proactive-code")
    with checks.case("a proactive service of the akimat does not make its code the bank's"):
        command.do(
            "initiator", "set-methods", "bank_kdp", "--methods", "1,2,3,5", "--basis", "a-5", "--own-means", "bank",
            "--protocol", "p-1",
        )  # fmt: skip
        caller: Caller = world.through_shep
        code = proactive_service(world, bin_)["code"]
        ask = lambda which: ask_proactive(world, caller, uin, services, proactive_code=which).reason  # noqa: E731
        eventually(lambda: ask("PRO-BANK"), "granted")
        assert ask(code) == "proactive-code", ask(code)


def revisions(world: World, parties: Parties, command: Command, checks: Checks) -> None:
    bank, uin = world.through_shep, world.sandbox.subject("yes").iin
    services, entry_id = world.services, "dir-story"

    def ask(which: list[str]) -> Reply:
        return bank.ask_own(uin, which, bank.ovt(), directory_id=entry_id)

    with checks.case("kdp directory add: the entry is in force"):
        command.do(
            "directory", "add", entry_id, "--bin", bank.initiator.bin or "", "--name-kk", "Несие",
            "--name-ru", "Кредит", "--services", ",".join(services[:2]), "--period", "10d", "--storage", "365d",
            "--processing", "10d", "--storage-ground", "ГК 178", "--personal-data", "ФИО",
        )  # fmt: skip
        eventually(lambda: ask(services[:2]).reason, "granted")
    old = ask(services[:2])
    with checks.case("its first revision is named in the token"):
        claims = bank.check_token(old, uin, services[:2], 2, directory_id=entry_id, life_seconds=864_000)
        assert claims["dir_revision"] == 1, f"{claims['dir_revision']}"
    with checks.case("kdp directory revise: new tokens name the new revision and keep to it, old ones stay"):
        command.do("directory", "revise", entry_id, "--services", services[0], "--period", "2h", "--processing", "2h")
        eventually(lambda: ask(services[:2]).reason, "service-not-allowed")
        new = assert_reply(ask(services[:1]), "VALID", "granted")
        claims = bank.check_token(new, uin, services[:1], 2, directory_id=entry_id, life_seconds=7200)
        assert claims["dir_revision"] == 2, f"{claims['dir_revision']}"
        assert status(world, parties, old) == "active", status(world, parties, old)
        assert check_by_code(parties.owner, old.token, services[1]).must("token/directory_id") == entry_id
    with checks.case("kdp directory end: directory-expired, what was granted stays"):
        command.do("directory", "end", entry_id)
        eventually(lambda: ask(services[:1]).reason, "directory-expired")
        assert status(world, parties, old) == "active", status(world, parties, old)


def new_act(world: World, parties: Parties, command: Command, checks: Checks, folder: Path) -> None:
    with checks.case("kdp calendar load moves the open deadlines, and their skipped days say why"):
        uin = world.sandbox.subject("yes").iin
        reply = fresh(world, uin)
        filed = revoke(parties.egov, uin, jti_of(reply.token))
        application, before = filed.must("application_id"), date.fromisoformat(filed.must("deadline"))
        today = world.sandbox.now().astimezone(ASTANA).date()
        free = due(today, 5)
        row = {
            "date": free.isoformat(), "nature": "off", "kk": "көшірілген демалыс", "ru": "перенос отдыха",
            "en": "moved", "act": "приказ № 5", "published": today.isoformat(),
        }  # fmt: skip
        act = folder / "act.toml"
        act.write_text("[[days]]\n" + "".join(f'{name} = "{text}"\n' for name, text in row.items()))
        command.do("calendar", "load", str(act))
        expected = before + timedelta(days=1)
        while not works(expected):
            expected += timedelta(days=1)

        def told() -> tuple[str, list[date]]:
            answer = revocation_state(parties.egov, application)
            days = [date.fromisoformat(each.text or "") for each in answer.all("skipped_days/day/date")]
            return answer.must("deadline"), days

        eventually(told, (expected.isoformat(), sorted({free, *skipped(today, expected)})))
        rows = [each for each in open_applications(parties.bank) if each["application_id"] == application]
        assert rows[0]["deadline"] == expected.isoformat(), "the list has the old deadline"
    with checks.case("the moved deadline is the one that takes effect"):
        old_end = datetime.combine(before + timedelta(days=1), datetime.min.time(), ASTANA)
        world.sandbox.set_clock(old_end + timedelta(hours=1))
        assert status(world, parties, reply) == "active+", status(world, parties, reply)
        new_end = datetime.combine(expected + timedelta(days=1), datetime.min.time(), ASTANA)
        world.sandbox.set_clock(new_end + timedelta(seconds=1))
        assert revocation_state(parties.egov, application).must("state") == "lapsed"
        assert status(world, parties, reply, new_end - timedelta(milliseconds=1)).startswith("active")
        assert status(world, parties, reply, new_end) == "not-active"


def erase(world: World, parties: Parties, command: Command, checks: Checks) -> None:
    """P 2: what has ended and is past its storage time, or is ordered, goes; counts stay."""
    sandbox, bank, uin = world.sandbox, world.through_shep, world.sandbox.subject("garbage-then-yes").iin
    ended, alive = fresh(world, uin), fresh(world, uin)
    bank.repeat(uin, world.services, ended.request_id, cancel="true")
    other = fresh(world, sandbox.subject("no").iin)
    day = sandbox.now().astimezone(ASTANA).date()

    def rows() -> set[str]:
        period = (sandbox.now() - timedelta(days=1), sandbox.now() + timedelta(minutes=1))
        return {row["request_id"] for row in accesses(parties.egov, uin, *period)}

    def figures() -> str:
        until = (day + timedelta(days=1)).isoformat()
        return command.do("report", "--from", day.isoformat(), "--to", until, "--suppress", "0", "--json")

    with checks.case("within its storage time nothing is erased"):
        command.erase(uin)
        assert rows() >= {ended.request_id, alive.request_id}, "erased"
    with checks.case("by an order what has ended is erased; the counts of the report are the same"):
        check_by_code(parties.owner, ended.token, world.services[0])
        before = figures()
        command.erase(uin, "--order", "court-5")
        assert figures() == before, "other figures"
    with checks.case("what is in force stays, another's stays, what was erased is known no more"):
        eventually(lambda: ended.request_id in rows(), False)
        assert alive.request_id in rows() and status(world, parties, alive) == "active", "the active token went"
        assert status(world, parties, other) == "active"
        assert bank.repeat(uin, world.services, ended.request_id).reason == "request-unknown", "still known"
    with checks.case("an erased token is not active for the owner"):
        told = check_by_code(parties.owner, ended.token, world.services[0])
        assert told.must("active") == "false", told.brief()


def distrust(world: World, parties: Parties, command: Command, checks: Checks) -> None:
    sandbox, uin = world.sandbox, world.sandbox.subject("yes").iin
    reply = fresh(world, uin)
    with checks.case("kdp keys distrust: no token of that key is active, and it signs nothing any more"):
        kid = jwt.get_unverified_header(reply.token)["kid"]
        command.do("keys", "distrust", kid)
        eventually(lambda: status(world, parties, reply) != "active", True)
        told = check_by_code(parties.owner, reply.token, world.services[0])
        assert told.must("active") == "false", told.brief()
        assert kid not in {each["kid"] for each in world.through_shep.jwks()["keys"]}, "still published"
        sandbox.advance("PT1S")
        new = world.through_shep.ask_own(uin, world.services, world.through_shep.ovt())
        assert new.status != "VALID" or jwt.get_unverified_header(new.token)["kid"] != kid, "signed by it"
    with checks.case("kdp keys generate: tokens are granted again, and the status list is signed by a published key"):
        command.do("keys", "generate")
        eventually(lambda: world.through_shep.ask_own(uin, world.services, world.through_shep.ovt()).reason, "granted")
        reply = fresh(world, uin)
        assert status(world, parties, reply) == "active"
        sandbox.advance(f"PT{opened(world)['ttl'] + 1}S")
        claims = opened(world)
        assert entry(claims, reply.token) == VALID, f"the new token is {entry(claims, reply.token)} in the list"
