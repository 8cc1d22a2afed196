"""KDP_REVOKE, KDP_LIST_TO_REVOKE, KDP_SEND_SOLUTION: whole stories (F-16 … F-21, L-8)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

from case_ground import ask_proactive
from check import Checks
from kdp_client import Caller, World, assert_reply
from reply import Reply
from service_client import (
    ACT,
    CONTRACT,
    Answered,
    Parties,
    Tree,
    approve,
    check_by_code,
    decide,
    granted,
    jti_of,
    open_applications,
    refuse,
    revocation_state,
    revoke,
)
from workdays import ASTANA, due, end_of, skipped, works

MOMENT = timedelta(milliseconds=1)


def run(world: World, checks: Checks) -> None:
    parties = Parties(world)
    checks.topic("revocation, the whole story")
    whole_story(world, parties, checks)
    checks.topic("revocation, filing")
    filing(world, parties, checks)
    checks.topic("revocation, silence")
    silence(world, parties, checks)
    last_moment(world, parties, checks)
    checks.topic("revocation, the list")
    the_list(world, parties, checks)
    checks.topic("revocation, decisions")
    grounds_of_refusal(world, parties, checks)
    deciding_again(world, parties, checks)
    strangers(world, parties, checks)
    checks.topic("revocation, afterwards")
    for title, end in (("approved", by_approval), ("lapsed", by_silence)):
        afterwards(world, parties, checks, title, end)
    checks.topic("revocation, bad input and roles")
    bad_input(world, parties, checks)


# --- what the stories share ----------------------------------------------------------------------------


def file(world: World, parties: Parties, uin: str | None = None) -> tuple[Reply, Answered]:
    """A token and the subject's application for its revocation."""
    subject = uin or world.sandbox.subject("yes").iin
    reply = fresh(world, subject)
    filed = revoke(parties.egov, subject, jti_of(reply.token))
    assert filed.must("state") == "open", filed.brief()
    return reply, filed


def fresh(world: World, uin: str, **values: str) -> Reply:
    """A new token. An ovt tells seconds: one of the second in which the case before revoked is of before it."""
    world.sandbox.advance("PT1S")
    return granted(world.through_shep, uin, world.services, **values)


def status(world: World, parties: Parties, reply: Reply, at: datetime | None = None) -> str:
    """What the owner is told: the status, with `+` while a revocation is pending."""
    more = {"requested_at": at.isoformat(timespec="milliseconds")} if at else {}
    told = check_by_code(parties.owner, reply.token, world.services[0], **more)
    assert told.must("active") == ("true" if told.must("status") == "active" else "false"), told.brief()
    return told.must("status") + ("+" if told.text("revocation_pending") == "true" else "")


def state(parties: Parties, application: str) -> str:
    return revocation_state(parties.egov, application).must("state")


def listed(parties: Parties, application: str) -> bool:
    return any(each["application_id"] == application for each in open_applications(parties.bank))


def last_day(filed: Answered) -> date:
    return date.fromisoformat(filed.must("deadline"))


def expect(  # noqa: PLR0917
    world: World, parties: Parties, reply: Reply, application: str, due_state: str, due_status: str
) -> None:
    """Every window on one application agrees: the subject's, the initiator's and the owner's."""
    assert state(parties, application) == due_state, f"state {state(parties, application)}, expected {due_state}"
    assert listed(parties, application) == (due_state == "open"), "the initiator's list says otherwise"
    came = status(world, parties, reply)
    assert came == due_status, f"status {came}, expected {due_status}"


# --- the stories -------------------------------------------------------------------------------------------


def whole_story(world: World, parties: Parties, checks: Checks) -> None:
    sandbox, uin = world.sandbox, world.sandbox.subject("yes").iin
    with checks.case("filed: the deadline is the 15th working day, its skipped days are listed with reasons"):
        reply, filed = file(world, parties)
        first = filed.must("application_id")
        today = sandbox.now().astimezone(ASTANA).date()
        assert last_day(filed) == due(today), f"deadline {filed.must('deadline')}, expected {due(today)}"
        days = [date.fromisoformat(each.text or "") for each in filed.all("skipped_days/day/date")]
        assert days == skipped(today, due(today)), f"skipped {days}"
        assert all(each.text for each in filed.all("skipped_days/day/reason")), "a day without a reason"
    with checks.case("during the review: open, active and pending, in the initiator's list"):
        expect(world, parties, reply, first, "open", "active+")
        sandbox.advance("PT48H")
        expect(world, parties, reply, first, "open", "active+")
    with checks.case("the same request of the initiator gives the same token during the review"):
        again = assert_reply(world.through_shep.repeat(uin, world.services, reply.request_id), "VALID", "granted")
        assert again.token == reply.token, "another token"
    with checks.case("refused with a contract: active, not pending, the subject learns reason and contract"):
        answer = decide(parties.bank, refuse(first))
        assert answer.code == "SCSS001" and answer.must("state") == "refused", answer.brief()
        expect(world, parties, reply, first, "refused", "active")
        told = revocation_state(parties.egov, first)
        assert told.must("reason") == "Заём не погашен", told.brief()
        assert [(name, told.must(f"contract/{name}")) for name, _ in CONTRACT] == list(CONTRACT), "the contract"
    with checks.case("again: a new application with its own term"):
        sandbox.advance("PT24H")
        again = revoke(parties.egov, uin, jti_of(reply.token), comment="Заём погашен 20 ноября")
        second = again.must("application_id")
        assert second != first and again.must("state") == "open", again.brief()
        assert last_day(again) == due(sandbox.now().astimezone(ASTANA).date()), again.must("deadline")
        expect(world, parties, reply, second, "open", "active+")
        assert state(parties, first) == "refused", "the old application changed"
    with checks.case("silence: active until the last day has ended, then not active by itself"):
        end = end_of(last_day(again))
        sandbox.set_clock(end - timedelta(seconds=2))
        expect(world, parties, reply, second, "open", "active+")
        sandbox.set_clock(end + timedelta(seconds=1))
        expect(world, parties, reply, second, "lapsed", "not-active")
        assert status(world, parties, reply, end - MOMENT).startswith("active"), "not active before 24:00"
        assert status(world, parties, reply, end) == "not-active", "active at 24:00"
    with checks.case("the initiator's late decision is told that it is late, and changes nothing"):
        for payload in (refuse(second), approve(second)):
            answer = decide(parties.bank, payload)
            assert answer.code == "SCSE001" and answer.text("reason"), answer.brief()
        expect(world, parties, reply, second, "lapsed", "not-active")
    with checks.case("revoking what is revoked is explained, and files nothing"):
        answers = [
            parties.egov.call("KDP_REVOKE", [("uin", uin), ("token_id", jti_of(reply.token)), ("applicant", "subject")])
            for _ in range(2)
        ]
        assert {each.text("application_id") for each in answers} <= {None, second}, "a new application"
        assert len({(each.code, each.text("reason"), each.text("state")) for each in answers}) == 1, "not stable"
        assert answers[0].code == "SCSE001" and answers[0].text("reason") == "revoked", answers[0].brief()


def filing(world: World, parties: Parties, checks: Checks) -> None:
    sandbox, egov = world.sandbox, parties.egov
    uin = sandbox.subject("yes").iin
    with checks.case("by request_id it is the same application as by token_id"):
        reply, filed = file(world, parties)
        for more in ({"request_id": reply.request_id}, {"token_id": jti_of(reply.token)}):
            again = revoke(egov, uin, **more)
            assert again.must("application_id") == filed.must("application_id"), "another application"
            assert again.must("deadline") == filed.must("deadline"), "another deadline"
    with checks.case("applying again days later, while one is open, does not move the deadline"):
        reply, filed = file(world, parties)
        sandbox.advance("PT72H")
        again = revoke(egov, uin, jti_of(reply.token))
        assert again.must("application_id") == filed.must("application_id"), "another application"
        assert again.must("deadline") == filed.must("deadline"), f"{filed.must('deadline')} → {again.must('deadline')}"
    with checks.case("a representative names the authority"):
        reply = fresh(world, uin)
        filed = revoke(egov, uin, jti_of(reply.token), applicant="representative", authority="Доверенность № 5")
        assert filed.must("state") == "open", filed.brief()
    with checks.case("through the gateway too"):
        reply = fresh(world, uin)
        filed = revoke(parties.party("egov", "shep"), uin, jti_of(reply.token))
        assert listed(parties, filed.must("application_id")), "not in the list"
    with checks.case("two tokens of one subject have two applications; deciding one leaves the other"):
        (one, filed_one), (two, filed_two) = file(world, parties), file(world, parties)
        ids = [each.must("application_id") for each in (filed_one, filed_two)]
        assert ids[0] != ids[1], "one application for two tokens"
        assert decide(parties.bank, approve(ids[0])).code == "SCSS001"
        expect(world, parties, one, ids[0], "approved", "not-active")
        expect(world, parties, two, ids[1], "open", "active+")
    with checks.case("a token of method 3 is revoked by the same way"):
        akimat = world.akimat
        reply = ask_proactive(world, akimat, uin, akimat.initiator.services)
        filed = revoke(egov, uin, jti_of(reply.token)).must("application_id")
        assert not listed(parties, filed), "in another initiator's list"
        assert any(each["application_id"] == filed for each in open_applications(parties.akimat)), "not listed"
        assert decide(parties.akimat, approve(filed)).must("state") == "approved"
        assert status(world, parties, reply) == "not-active"
    with checks.case("a token that has expired, or was cancelled, cannot be revoked: explained, stable"):
        expired = fresh(world, uin, expiresIn="60000")
        cancelled = fresh(world, uin)
        world.through_shep.repeat(uin, world.services, cancelled.request_id, cancel="true")
        sandbox.advance("PT2M")
        for reply in (expired, cancelled):
            payload = [("uin", uin), ("token_id", jti_of(reply.token)), ("applicant", "subject")]
            answers = [egov.call("KDP_REVOKE", payload) for _ in range(2)]
            assert {each.code for each in answers} == {"SCSE001"}, answers[0].brief()
            assert len({each.must("reason") for each in answers}) == 1, answers[0].brief()


def silence(world: World, parties: Parties, checks: Checks) -> None:
    sandbox = world.sandbox
    with checks.case("one leap over several deadlines: each lapses on its own day"):
        made = []
        for _ in range(3):
            made.append(file(world, parties))
            sandbox.advance("PT96H")
        sandbox.advance("PT1440H")
        ends = [end_of(last_day(filed)) for _, filed in made]
        assert len(set(ends)) == 3, f"deadlines {ends}"
        for (reply, filed), end in zip(made, ends, strict=True):
            expect(world, parties, reply, filed.must("application_id"), "lapsed", "not-active")
            assert status(world, parties, reply, end - MOMENT).startswith("active"), f"not active before {end}"
            assert status(world, parties, reply, end) == "not-active", f"active at {end}"
    with checks.case("a token whose life ends before the review does is expired, not lapsed into anything else"):
        uin = sandbox.subject("yes").iin
        reply = fresh(world, uin, expiresIn=str(86_400_000))
        filed = revoke(parties.egov, uin, jti_of(reply.token))
        sandbox.advance("PT25H")
        assert status(world, parties, reply).rstrip("+") == "expired", status(world, parties, reply)
        sandbox.set_clock(end_of(last_day(filed)) + timedelta(seconds=1))
        assert status(world, parties, reply) in {"expired", "not-active"}, status(world, parties, reply)
        assert not listed(parties, filed.must("application_id")), "still waits for a decision"
    with checks.case("filed at 23:59:58 it counts from that day, filed two seconds after from the next"):
        midnight = end_of(sandbox.now().astimezone(ASTANA).date())
        uin = sandbox.subject("yes").iin
        replies = [fresh(world, uin) for _ in range(2)]
        for reply, moment in zip(
            replies, (midnight - timedelta(seconds=2), midnight + timedelta(seconds=1)), strict=True
        ):
            sandbox.set_clock(moment)
            filed = revoke(parties.egov, uin, jti_of(reply.token))
            assert last_day(filed) == due(moment.date()), f"filed {moment}: {filed.must('deadline')}"


def last_moment(world: World, parties: Parties, checks: Checks) -> None:
    sandbox = world.sandbox
    for title, payload, after, status_after in (
        ("a refusal", refuse, "refused", "active"),
        ("an approval", approve, "approved", "not-active"),
    ):
        with checks.case(f"{title} in the last seconds of the last day counts"):
            reply, filed = file(world, parties)
            application, end = filed.must("application_id"), end_of(last_day(filed))
            sandbox.set_clock(end - timedelta(seconds=3))
            assert decide(parties.bank, payload(application)).must("state") == after
            sandbox.set_clock(end + timedelta(hours=1))
            expect(world, parties, reply, application, after, status_after)


def the_list(world: World, parties: Parties, checks: Checks) -> None:
    sandbox = world.sandbox
    with checks.case("all of it: id, uin, token id, filed_at, deadline"):
        uin = sandbox.subject("no").iin
        reply, filed = file(world, parties, uin)
        mine = [
            each for each in open_applications(parties.bank) if each["application_id"] == filed.must("application_id")
        ]
        assert len(mine) == 1, f"{len(mine)} times in the list"
        assert mine[0]["uin"] == uin and mine[0]["token_id"] == jti_of(reply.token), "uin or token_id"
        assert mine[0]["deadline"] == filed.must("deadline"), "deadline"
        ago = sandbox.now() - datetime.fromisoformat(mine[0]["filed_at"])
        assert timedelta(0) <= ago < timedelta(minutes=1), f"filed {ago} ago"
    for weekday, name in ((2, "Wednesday"), (5, "Saturday")):
        with checks.case(f"filed on a {name}: working_days_left falls by one each working day, from 15 to the last"):
            days_left(world, parties, weekday)
    with checks.case("pages of two hold every application once, in one order"):
        made = {file(world, parties)[1].must("application_id") for _ in range(5)}
        whole = [each["application_id"] for each in open_applications(parties.bank)]
        paged: list[str] = []
        while True:
            after: Tree = [("after", paged[-1])] if paged else []
            page = parties.bank.done("KDP_LIST_TO_REVOKE", [*after, ("limit", "2")])
            ids = [each.text or "" for each in page.all("application/application_id")]
            assert len(ids) <= 2, f"{len(ids)} on a page of two"
            if not ids:
                break
            paged += ids
        assert paged == whole and made <= set(whole), f"{len(paged)} in pages, {len(whole)} in one"
        assert len(set(whole)) == len(whole), "twice in the list"


def days_left(world: World, parties: Parties, weekday: int) -> None:
    sandbox = world.sandbox
    start = sandbox.now().astimezone(ASTANA).date() + timedelta(days=1)
    while start.weekday() != weekday or works(start) != (weekday < 5):
        start += timedelta(days=1)
    noon = datetime.combine(start, datetime.min.time(), ASTANA) + timedelta(hours=12)
    sandbox.set_clock(noon)
    _, filed = file(world, parties)
    application, left = filed.must("application_id"), {}
    for at in range(1, (last_day(filed) - start).days + 1):
        row = next(each for each in open_applications(parties.bank) if each["application_id"] == application)
        left[start + timedelta(days=at - 1)] = int(row["working_days_left"])
        sandbox.set_clock(noon + timedelta(days=at))
    # F-18: 15 working days, and day 1 is the first one after filing; so on the day of filing all 15 are left.
    assert left[start] == 15, f"{left[start]} on the day of filing"
    counted_today = left[due(start, 1)] == 15
    for day, came in left.items():
        passed = sum(works(start + timedelta(days=each)) for each in range(1, (day - start).days + 1))
        expected = 15 - passed + (counted_today and works(day) and day != start)
        assert came == expected, f"{came} left on {day}, expected {expected}"


def grounds_of_refusal(world: World, parties: Parties, checks: Checks) -> None:
    reply, filed = file(world, parties)
    application = filed.must("application_id")
    reason = ("reason", "Обязательство не исполнено")

    def without(part: Tree, name: str) -> Tree:
        return [each for each in part if each[0] != name]

    bad: list[tuple[str, str, Tree]] = [
        ("no reason and no ground", "reason", []),
        ("no ground", "act", [reason]),
        ("no reason", "reason", [("contract", CONTRACT)]),
        ("an empty reason", "reason", [("reason", ""), ("contract", CONTRACT)]),
        ("a contract and an act", "contract", [reason, ("act", ACT), ("contract", CONTRACT)]),
        ("a contract and an obligation", "contract", [reason, ("contract", CONTRACT), ("obligation", "Долг")]),
        ("an act and an obligation", "act", [reason, ("act", ACT), ("obligation", "Долг")]),
        ("two contracts", "contract", [reason, ("contract", CONTRACT), ("contract", CONTRACT)]),
        ("an empty obligation", "obligation", [reason, ("obligation", "")]),
        ("an empty contract", "contract", [reason, ("contract", [])]),
        (
            "a contract whose date is none",
            "date",
            [reason, ("contract", [*without(CONTRACT, "date"), ("date", "2026-02-30")])],
        ),
        ("an unknown ground", "custom", [reason, ("custom", "Обычай")]),
    ]
    bad += [
        (f"a contract without {name}", name, [reason, ("contract", without(CONTRACT, name))]) for name, _ in CONTRACT
    ]
    bad += [(f"an act without {name}", name, [reason, ("act", without(ACT, name))]) for name, _ in ACT]
    for title, named, why in bad:
        with checks.case(f"a refusal with {title} is SCSE002, names the element and changes nothing"):
            answer = decide(parties.bank, refuse(application, why))
            assert answer.code == "SCSE002" and answer.says(named), answer.brief()
            expect(world, parties, reply, application, "open", "active+")
    for title, payload, named in (
        ("decision «maybe»", [("application_id", application), ("decision", "maybe")], "decision"),
        ("no decision", [("application_id", application)], "decision"),
        ("no application_id", [("decision", "approve")], "application_id"),
        ("an approval with a ground", [*approve(application), reason, ("contract", CONTRACT)], "decision"),
    ):
        with checks.case(f"{title} is SCSE002 and changes nothing"):
            answer = decide(parties.bank, payload)
            assert answer.code == "SCSE002" and answer.says(named), answer.brief()
            expect(world, parties, reply, application, "open", "active+")
    for title, ground in (("an act", ("act", ACT)), ("an obligation", ("obligation", "Не возвращён залог"))):
        with checks.case(f"a refusal with {title} is accepted, and the subject learns it"):
            reply, filed = file(world, parties)
            application = filed.must("application_id")
            assert decide(parties.bank, refuse(application, [reason, ground])).must("state") == "refused"
            told = revocation_state(parties.egov, application)
            assert told.must("reason") == reason[1], told.brief()
            if isinstance(ground[1], str):
                assert told.must("obligation") == ground[1], told.brief()
            else:
                assert [(name, told.must(f"act/{name}")) for name, _ in ACT] == list(ACT), told.brief()


def deciding_again(world: World, parties: Parties, checks: Checks) -> None:
    for first, after, status_after in ((approve, "approved", "not-active"), (refuse, "refused", "active")):
        with checks.case(f"once {after}, neither decision changes anything; the answers are stable and explained"):
            reply, filed = file(world, parties)
            application = filed.must("application_id")
            assert decide(parties.bank, first(application)).must("state") == after
            for second in (approve, refuse):
                answers = [decide(parties.bank, second(application)) for _ in range(2)]
                assert len({(each.code, each.text("reason"), each.text("state")) for each in answers}) == 1, (
                    "not stable"
                )
                told = answers[0]
                assert told.text("reason") if told.code == "SCSE001" else told.must("state") == after, told.brief()
                expect(world, parties, reply, application, after, status_after)


def strangers(world: World, parties: Parties, checks: Checks) -> None:
    reply, filed = file(world, parties)
    application = filed.must("application_id")
    with checks.case("another's application and one of nobody are application-unknown, word for word alike"):
        answers = [
            decide(party, payload(which))
            for party in (parties.akimat, parties.stat, parties.party("akimat", "shep"))
            for payload in (approve, refuse)
            for which in (application, "01a20183-0000-7000-8000-000000000000", "no-such", "' OR 1=1 --")
        ]
        assert {each.code for each in answers} == {"SCSE001"}, answers[0].brief()
        assert {each.text("reason") for each in answers} == {"application-unknown"}, answers[0].brief()
        texts = {(each.message, each.text("reason_text"), tuple(each.names)) for each in answers}
        assert len(texts) == 1, f"{len(texts)} different answers"
        expect(world, parties, reply, application, "open", "active+")
    with checks.case("another's application is not in the list, and cannot be the page's beginning"):
        assert not any(each["application_id"] == application for each in open_applications(parties.akimat)), "listed"
        for after in (application, "no-such"):
            answer = parties.akimat.call("KDP_LIST_TO_REVOKE", [("after", after)])
            ids = [each.text for each in answer.all("application/application_id")]
            assert application not in ids, "listed"
    with checks.case("another's token and one of nobody are told alike to the subject"):
        other = world.sandbox.subject("no").iin
        answers = [
            parties.egov.call("KDP_REVOKE", [("uin", other), which, ("applicant", "subject")])
            for which in (
                ("token_id", jti_of(reply.token)),
                ("token_id", "01a20183-0000-7000-8000-000000000000"),
                ("request_id", reply.request_id),
                ("request_id", "01a20183-0000-7000-8000-000000000000"),
            )
        ]
        assert {each.code for each in answers} == {"SCSE001"}, answers[0].brief()
        assert answers[0].text("reason") == answers[1].text("reason"), "another's token is told from nobody's"
        assert answers[2].text("reason") == answers[3].text("reason"), "another's request is told from nobody's"
        expect(world, parties, reply, application, "open", "active+")
    with checks.case("an unknown application_id is application-unknown to the subject"):
        answer = parties.egov.call("KDP_REVOKE", [("application_id", "01a20183-0000-7000-8000-000000000000")])
        assert answer.code == "SCSE001" and answer.text("reason") == "application-unknown", answer.brief()


# --- after the revocation took effect ---------------------------------------------------------------------


def by_approval(world: World, parties: Parties, filed: Answered) -> datetime:
    world.sandbox.advance("PT30S")
    before = world.sandbox.now()
    assert decide(parties.bank, approve(filed.must("application_id"))).must("state") == "approved"
    world.sandbox.advance("PT30S")
    return before


def by_silence(world: World, _: Parties, filed: Answered) -> datetime:
    end = end_of(last_day(filed))
    world.sandbox.set_clock(end + timedelta(seconds=30))
    return end


End = Callable[[World, Parties, Answered], datetime]


def afterwards(world: World, parties: Parties, checks: Checks, title: str, end: End) -> None:
    caller, services = world.through_shep, world.services
    # A subject of its own, so that revocations of other cases are not in the way.
    uin = world.sandbox.subject("garbage-then-yes" if title == "approved" else "late").iin
    token = caller.ovt()
    reply = granted(caller, uin, services, ovt=token)
    filed = revoke(parties.egov, uin, jti_of(reply.token))
    moment = int(end(world, parties, filed).timestamp())
    now = int(world.sandbox.now().timestamp())

    def ask(which: list[str], asker: Caller = caller, **claims: int | str) -> Reply:
        return asker.ask_own(uin, which, asker.ovt(**claims))

    with checks.case(f"{title}: the repeat of the old request is revoked"):
        assert_reply(caller.repeat(uin, services, reply.request_id), "INVALID", "revoked")
    if now - moment < 3600:
        with checks.case(f"{title}: the old ovt is revoked (or used), and gives no token"):
            assert_reply(caller.ask_own(uin, services, token), "INVALID", ("revoked", "ovt-used", "ovt-date"))
    for seconds in (1, 60, 1800):
        with checks.case(f"{title}: another ovt with iat {seconds} s before is revoked"):
            assert_reply(ask(services, iat=moment - seconds, exp=moment + 7200), "INVALID", "revoked")
    for subset in (services[:1], services[1:2], services[::-1]):
        with checks.case(f"{title}: … also for {len(subset)} of its services"):
            assert_reply(ask(subset, iat=moment - 60, exp=moment + 7200), "INVALID", "revoked")
    with checks.case(f"{title}: an ovt of before bound to this subject is revoked too"):
        assert_reply(ask(services, iat=moment - 60, exp=moment + 7200, uin=uin), "INVALID", "revoked")
    with checks.case(f"{title}: the same ovt of before serves another subject"):
        other = world.sandbox.subject("twice").iin
        assert_reply(
            caller.ask_own(other, services, caller.ovt(iat=moment - 60, exp=moment + 7200)), "VALID", "granted"
        )
    with checks.case(f"{title}: an ovt with a later iat gives a new token, which lives"):
        new = assert_reply(ask(services, iat=now, exp=now + 3600), "VALID", "granted")
        assert new.token != reply.token and status(world, parties, new) == "active"
        assert status(world, parties, reply) == "not-active", "the old token lives again"
    with checks.case(f"{title}: with that new token alive, an ovt of before is still revoked"):
        assert_reply(ask(services, iat=moment - 50, exp=moment + 7200), "INVALID", "revoked")
    with checks.case(f"{title}: asking the subject anew by SMS is a new request"):
        first = assert_reply(caller.ask(uin, services, omit_sms="false"), "PENDING", "waiting")
        assert first.request_id != reply.request_id, "the old request"


def bad_input(world: World, parties: Parties, checks: Checks) -> None:
    uin = world.sandbox.subject("yes").iin
    reply = fresh(world, uin)
    token_id = ("token_id", jti_of(reply.token))
    subject = ("applicant", "subject")
    wrong = uin[:-1] + str((int(uin[-1]) + 1) % 10)
    for title, named, payload in (
        ("nothing at all", "uin", []),
        ("no uin", "uin", [token_id, subject]),
        ("uin with a wrong control digit", "uin", [("uin", wrong), token_id, subject]),
        ("neither token_id nor request_id", "token_id", [("uin", uin), subject]),
        ("both of them", "request_id", [("uin", uin), token_id, ("request_id", reply.request_id), subject]),
        ("no applicant", "applicant", [("uin", uin), token_id]),
        ("an applicant «notary»", "applicant", [("uin", uin), token_id, ("applicant", "notary")]),
        ("a representative without authority", "authority", [("uin", uin), token_id, ("applicant", "representative")]),
        (
            "a representative with an empty authority",
            "authority",
            [("uin", uin), token_id, ("applicant", "representative"), ("authority", "")],
        ),
        ("an application_id and a uin", "application_id", [("uin", uin), token_id, subject, ("application_id", "x")]),
        ("applicant given twice", "applicant", [("uin", uin), token_id, subject, subject]),
        ("an unknown element", "surprise", [("uin", uin), token_id, subject, ("surprise", "1")]),
    ):
        with checks.case(f"KDP_REVOKE with {title} is SCSE002 and named, and files nothing"):
            answer = parties.egov.call("KDP_REVOKE", payload)
            assert answer.code == "SCSE002" and answer.says(named), answer.brief()
            assert status(world, parties, reply) == "active", "a revocation is pending"
    for limit in ("0", "-1", "1001", "many"):
        with checks.case(f"KDP_LIST_TO_REVOKE with limit «{limit}» is SCSE002 and named"):
            answer = parties.bank.call("KDP_LIST_TO_REVOKE", [("limit", limit)])
            assert answer.code == "SCSE002" and answer.says("limit"), answer.brief()
    for service_id, allowed in (
        ("KDP_REVOKE", {"egov"}),
        ("KDP_LIST_TO_REVOKE", {"bank"}),
        ("KDP_SEND_SOLUTION", {"bank"}),
    ):
        payload: Tree = {
            "KDP_REVOKE": [("uin", uin), token_id, subject],
            "KDP_LIST_TO_REVOKE": [],
            "KDP_SEND_SOLUTION": approve("01a20183-0000-7000-8000-000000000000"),
        }[service_id]
        for name in sorted({"bank", "owner", "egov", "sms1414"} - allowed):
            for signer in (name, "shep"):
                with checks.case(f"{service_id} by {name} ({signer}) is KDP403"):
                    fault = parties.party(name, signer).fault(service_id, payload)
                    assert fault.error_code == "KDP403", fault.faultstring
    with checks.case("after all of this no revocation is pending"):
        assert status(world, parties, reply) == "active"
