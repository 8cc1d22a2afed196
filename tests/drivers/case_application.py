"""Integration applications (I-5 … I-12) by the command line, their ten answers by the wire."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from check import Checks
from command import Command
from kdp_client import Caller, World, assert_reply
from reply import Reply
from sandbox import Peer, Sandbox
from service_client import SCHEMAS, claims_of, verified_twice
from workdays import ASTANA, due

NEEDED = 10
# A running service notices a change by the command line within a second.
NOTICED = 1.2


def run_alone(binary: Path, folder: Path, checks: Checks) -> None:
    data = folder / "data"
    with Sandbox(binary, data, folder / "log") as sandbox:
        world = World(sandbox, data)
        office = Office(Command(binary, data), folder, world)
        checks.topic("application, preflight")
        preflight(world, office, checks)
        checks.topic("application, to production")
        by_the_subject(world, office, checks)
        checks.topic("application, what does not count")
        by_own_means(world, office, checks)
        checks.topic("application, out of turn")
        out_of_turn(world, office, checks)


@dataclass
class Office:
    """`kdp application …`, with forms written into a folder."""

    command: Command
    folder: Path
    world: World
    forms: int = 0

    def form(self, peer: Peer, methods: list[int], **changes: Any) -> Path:
        purpose = {
            "name": {"kk": "Сауалнама", "ru": "Анкета"},
            "process": "Клиент заполняет анкету; система запрашивает ФИО и адрес, сверяет их, показывает менеджеру "
            "расхождения и после решения удаляет полученное.",
            "services": ["Анкета клиента"],
            "service_ids": ["GBDFLUniversal_token"],
            "data": "ФИО, адрес",
            "period_seconds": 86_400,
            "storage_seconds": 86_400,
            "processing_seconds": 3_600,
            "storage_ground": {"text": "Пока анкета не рассмотрена"},
        }
        protocol = {"reference": "Протокол № 1", "sha256": "0" * 63 + "1"}
        self.forms += 1
        value = {
            "organisation": {
                "name": {"kk": f"Ұйым {self.forms}", "ru": f"Организация {self.forms}"},
                "bin": peer.bin,
                "kind": changes.pop("kind", "private"),
                "has_soc": changes.pop("has_soc", True),
            },
            "sender_id": peer.sender_id,
            "contact": {"name": "Маман", "phone": "77010000099", "email": "kdp@example.kz"},
            "purposes": [purpose | changes],
            "methods": [{"method": each, "test_protocol": protocol} for each in methods],
        }
        path = self.folder / f"form-{self.forms}.json"
        path.write_text(json.dumps(value, ensure_ascii=False))
        return path

    def do(self, *words: str) -> Any:
        """Does it, and reads what --json prints; the running service has noticed when it returns."""
        value = self.command.json("application", *words)
        self.noticed()
        return value

    def noticed(self) -> None:
        time.sleep(NOTICED)
        # Commands take their time, and the service closes a connection that is idle.
        self.world.line.close()

    def out_of_turn(self, application: str, due_state: str, *words: str) -> str:
        """Refused with exit 1 and a code, and nothing changed; gives the code."""
        said = [self.command.refused("application", *words).err.strip() for _ in range(2)]
        assert said[0] == said[1], "another answer the second time"
        assert state_of(self, application) == due_state, f"now {state_of(self, application)}"
        return said[0].removeprefix("kdp: ").split(":")[0]


def state_of(office: Office, application: str) -> str:
    """The state's name, whatever `show --json` keeps beside it."""
    rows = [each for each in office.command.json("application", "list") if each["id"] == application]
    assert len(rows) == 1, f"{len(rows)} rows of this application"
    return str(rows[0]["state"])


def preflight(world: World, office: Office, checks: Checks) -> None:
    newcomer = world.sandbox.peers["newcomer"]
    for title, code, path in (
        ("no ServiceID", "service-id-missing", office.form(newcomer, [1], service_ids=[])),
        ("storage longer than needed", "storage-too-long", office.form(newcomer, [1], storage_seconds=315_360_000)),
        ("method 2 for a private one without a centre", "own-means-closed", office.form(newcomer, [2], has_soc=False)),
    ):
        with checks.case(f"{title}: it would be returned for {code}; submitted as it is, it cannot be approved"):
            done = office.command.run("application", "preflight", str(path), "--json")
            codes = {each.get("code") or each.get("objection") for each in json.loads(done.out)}
            assert done.code == 1 and code in codes, f"exit {done.code}, {codes}"
            texts = next(each for each in json.loads(done.out) if code in each.values())
            assert "kk" in json.dumps(texts) and "ru" in json.dumps(texts), "not in three languages"
            submitted = office.command.run("application", "submit", str(path), "--json")
            if submitted.code == 0:
                application = json.loads(submitted.out)["id"]
                office.out_of_turn(application, "submitted", "approve", application)
                office.do("withdraw", application)
    with checks.case("a good form has nothing that it would be returned for, in kk, ru and en"):
        path = office.form(newcomer, [1, 5])
        for lang in ("kk", "ru", "en"):
            done = office.command.run("application", "preflight", str(path), "--lang", lang)
            assert done.code == 0, f"exit {done.code}: {done.out}"
    with checks.case("a form that is none is exit 2"):
        bad = office.folder / "bad.json"
        bad.write_text('{"organisation": 5}')
        done = office.command.refused("application", "preflight", str(bad), code=2)
        assert "line" in done.err, f"no place: {done.err}"
    with checks.case("a form that names another's BIN with this sender is returned or refused"):
        path = office.form(newcomer, [1])
        value = json.loads(path.read_text())
        value["organisation"]["bin"] = world.sandbox.peers["bank"].bin
        path.write_text(json.dumps(value))
        done = office.command.run("application", "preflight", str(path))
        assert done.code == 1, f"exit {done.code}: {done.out}"


def opened(world: World, office: Office, caller: Caller, methods: list[int], entry: str) -> str:
    """An application that is in testing, under this directory entry."""
    filed = office.do("submit", str(office.form(caller.initiator, methods)))
    today = world.sandbox.now().astimezone(ASTANA).date()
    assert filed["state"] == "submitted", f"{filed['state']}"
    assert date.fromisoformat(filed["due"]) == due(today, 10), f"due {filed['due']}, expected {due(today, 10)}"
    application = str(filed["id"])
    office.do("approve", application, "--entries", entry)
    if state_of(office, application) == "approved":
        office.do("register-key", application, "--key", caller.initiator.signer.cert_path)
    assert state_of(office, application) == "testing", state_of(office, application)
    return application


def ask_sms(world: World, caller: Caller, entry: str, again_by_id: bool) -> Reply:
    world.sandbox.advance("PT25H")
    uin = world.sandbox.subject("yes").iin
    values = {"omit_sms": "false", "directory_id": entry}
    first = assert_reply(caller.ask(uin, ["GBDFLUniversal_token"], **values), "PENDING", "waiting")
    world.sandbox.advance("PT1M")
    if again_by_id:
        return assert_reply(caller.repeat(uin, [], first.request_id, access_name=None), "VALID", "granted")
    return assert_reply(caller.ask(uin, ["GBDFLUniversal_token"], **values), "VALID", "granted")


def ask_code(world: World, caller: Caller, entry: str) -> Reply:
    world.sandbox.advance("PT25H")
    subject = world.sandbox.subject("reads-code")
    values = {"omit_sms": "false", "method": "5", "directory_id": entry}
    first = assert_reply(caller.ask(subject.iin, ["GBDFLUniversal_token"], **values), "PENDING", "waiting")
    world.sandbox.advance("PT5S")
    code = world.sandbox.inbox(subject.msisdn or "")[-1].split("KOD ")[1].split()[0]
    return assert_reply(
        caller.repeat(subject.iin, [], first.request_id, access_name=None, code=code), "VALID", "granted"
    )


def by_the_subject(world: World, office: Office, checks: Checks) -> None:
    """Methods 1 and 5, which are open to everybody: the answer that brings the token is a repeat."""
    caller, entry = world.caller("newcomer", "shep"), "dir-app-sms"
    application, replies = "", []
    with checks.case("submitted, due in 10 working days; approved; testing"):
        application = opened(world, office, caller, [1, 5], entry)
    with checks.case("ten answers by SMS and by code: each counts, by decision_id"):
        for at in range(NEEDED):
            replies.append(
                ask_code(world, caller, entry) if at % 3 == 2 else ask_sms(world, caller, entry, at % 2 == 0)
            )
        told = office.command.json("application", "answers", application)
        counted = {each["decision"] for each in told["counted"]}
        missing = {each.data["decision_id"] for each in replies} - counted
        assert not missing and len(counted) == NEEDED, f"{len(missing)} of {NEEDED} answers with a token do not count"
    with checks.case("each PENDING is said not to count, and why"):
        told = office.command.json("application", "answers", application)
        why = [each["why"] for each in told["not_counted"]]
        assert why == ["waiting"] * NEEDED, f"{sorted(why)}"
    with checks.case("the act is signed, names these answers and nobody"):
        act = held_act(world, office, application)
        assert {each["token_id"] for each in act["answers"]} == {claims_of(each.token)["jti"] for each in replies}
        assert {each["method"] for each in act["answers"]} == {1, 5} and act["untested_methods"] == []
    to_production(world, office, checks, application, caller, entry)


def held_act(world: World, office: Office, application: str) -> dict[str, Any]:
    """The act's content, verified by two libraries, with the members that its schema demands."""
    act = office.command.json("application", "act", application, "--html", str(office.folder / "act.html"))
    claims = verified_twice(act["jws"], world.through_shep.jwks(), "kdp-testing-act+jwt")
    assert claims == act["act"], "--json prints another act than is signed"
    schema = json.loads((SCHEMAS / "testing-act.schema.json").read_text())
    assert set(schema["required"]) <= set(claims) <= set(schema["properties"]), f"members {sorted(claims)}"
    assert claims["application"] == application and claims["needed"] == NEEDED
    text = json.dumps(claims, ensure_ascii=False) + (office.folder / "act.html").read_text()
    assert not any(each.iin in text or (each.msisdn and each.msisdn in text) for each in world.sandbox.subjects)
    (office.folder / f"{application}.jws").write_text(act["jws"])
    return claims


def to_production(  # noqa: PLR0917
    world: World, office: Office, checks: Checks, application: str, caller: Caller, entry: str
) -> None:
    with checks.case("the act is submitted and reviewed within 10 working days; accepted: production"):
        filed = office.do("submit-act", application, str(office.folder / f"{application}.jws"))
        today = world.sandbox.now().astimezone(ASTANA).date()
        assert filed["state"] == "act-submitted", f"{filed['state']}"
        assert date.fromisoformat(filed["due"]) == due(today, 10), f"due {filed['due']}"
        assert office.do("accept", application)["state"] == "production"
        assert state_of(office, application) == "production"
        reply = caller.ask(
            world.sandbox.subject("silent").iin, ["GBDFLUniversal_token"], omit_sms="false", directory_id=entry
        )
        assert_reply(reply, "PENDING", "waiting")


def by_own_means(world: World, office: Office, checks: Checks) -> None:
    caller, entry = world.caller("candidate", "shep"), "dir-app-own"
    uin, services = world.sandbox.subject("yes").iin, ["GBDFLUniversal_token"]
    application = ""
    before = caller.ask_own(uin, services, caller.ovt())
    with checks.case("before the approval no method is open; after it method 2 is"):
        assert_reply(before, "INVALID", "method-not-allowed")
        application = opened(world, office, caller, [2], entry)
        assert_reply(caller.ask_own(uin, services, caller.ovt(), directory_id=entry), "VALID", "granted")
    with checks.case("nine are not ten: no act"):
        token = caller.ovt()
        for at in range(NEEDED - 2):
            reply = caller.ask_own(uin, services, token if at == 0 else caller.ovt(), directory_id=entry)
            assert_reply(reply, "VALID", "granted")
        code = office.out_of_turn(application, "testing", "act", application)
        assert code == "too-few-answers", code
    due_why: list[tuple[str, Reply]] = []
    with checks.case("of each answer that does not count it is said why"):
        due_why = [
            ("before-approval", before),
            ("token-repeated", caller.ask_own(uin, services, token, directory_id=entry)),
            ("entry-unnamed", caller.ask_own(uin, services, caller.ovt())),
            ("not-valid", caller.ask_own(uin, services, None, directory_id=entry)),
            ("not-valid", caller.ask_own(uin, services, caller.ovt(mcheck="NONE"), directory_id=entry)),
        ]
        told = office.command.json("application", "answers", application)
        assert len(told["counted"]) == NEEDED - 1, f"{len(told['counted'])} count"
        why = {each["decision"]: each["why"] for each in told["not_counted"]}
        wrong = {
            f"{due_text}: {why.get(reply.data['decision_id'])}"
            for due_text, reply in due_why
            if due_text != "before-approval" and why.get(reply.data["decision_id"]) != due_text
        }
        assert not wrong, f"{wrong}"
    with checks.case("a repeat by request_id that brings the same token again does not count, and is said why"):
        first = caller.ask_own(uin, services, token, directory_id=entry)
        again = assert_reply(caller.repeat(uin, services, first.request_id), "VALID", "granted")
        told = office.command.json("application", "answers", application)
        why = {each["decision"]: each["why"] for each in told["not_counted"]}
        assert why.get(again.data["decision_id"]) == "token-repeated", f"{why.get(again.data['decision_id'])}"
    with checks.case("with the tenth there is an act, and to production"):
        assert_reply(caller.ask_own(uin, services, caller.ovt(), directory_id=entry), "VALID", "granted")
        act = held_act(world, office, application)
        assert len(act["answers"]) == NEEDED and act["not_counted_total"] >= 4, f"{act['not_counted_total']}"
    with checks.case("a changed act, and one of another application, are not taken"):
        others = [path.read_text() for path in office.folder.glob("*.jws") if application not in path.name]
        assert others, "there is no act of another application"
        whole = (office.folder / f"{application}.jws").read_text()
        header, payload, signature = whole.split(".")
        for text in (f"{header}.{payload}A.{signature}", f"{header}.{payload}.AAAA", *others, "none"):
            path = office.folder / "wrong.act"
            path.write_text(text)
            office.out_of_turn(application, "testing", "submit-act", application, str(path))
    with checks.case("an act that is returned is formed again and taken"):
        office.do("submit-act", application, str(office.folder / f"{application}.jws"))
        office.do("return", application, "--reason", "Нет подписи руководителя")
        assert state_of(office, application) == "testing", state_of(office, application)
        held_act(world, office, application)
        office.do("submit-act", application, str(office.folder / f"{application}.jws"))
        assert office.do("accept", application)["state"] == "production"


def out_of_turn(world: World, office: Office, checks: Checks) -> None:
    candidate = world.caller("candidate", "shep")
    uin, services = world.sandbox.subject("yes").iin, ["GBDRN_token"]

    def ask() -> str | None:
        return candidate.ask_own(uin, services, candidate.ovt(), directory_id="dir-app-late").reason

    with checks.case("an id of nobody is refused by every command"):
        nobody = "01a20183-0000-7000-8000-000000000000"
        for words in (("show",), ("approve",), ("accept",), ("answers",), ("act",), ("withdraw",)):
            office.command.refused("application", *words, nobody)
        office.command.refused("application", "return", nobody, "--reason", "x")
    form = office.form(candidate.initiator, [2], service_ids=services)
    application = ""
    with checks.case("submitted: neither act nor acceptance nor key; no reason, no return"):
        application = office.do("submit", str(form))["id"]
        for words in (("act",), ("accept",)):
            office.out_of_turn(application, "submitted", *words, application)
        office.out_of_turn(
            application, "submitted", "register-key", application, "--key", candidate.initiator.signer.cert_path
        )
        done = office.command.run("application", "return", application)
        assert done.code in {1, 2} and state_of(office, application) == "submitted", f"exit {done.code}"
    with checks.case("a review that is overdue says so, and can still be decided"):
        world.sandbox.advance("P30D")
        rows = {each["id"]: each for each in office.command.json("application", "list")}
        assert rows[application]["overdue"] is True, f"{rows[application]}"
        office.do("return", application, "--reason", "Уточните цель")
        assert state_of(office, application) == "returned"
    with checks.case("returned: filed again unchanged is refused, changed it is under review with a new term"):
        office.out_of_turn(application, "returned", "resubmit", application, str(form))
        changed = office.form(candidate.initiator, [2], service_ids=services, data="ФИО")
        filed = office.do("resubmit", application, str(changed))
        today = world.sandbox.now().astimezone(ASTANA).date()
        assert filed["state"] == "submitted" and date.fromisoformat(filed["due"]) == due(today, 10), f"{filed}"
    with checks.case("approved, then refused for good: what it opened is closed"):
        office.do("approve", application, "--entries", "dir-app-late")
        if state_of(office, application) == "approved":
            office.do("register-key", application, "--key", candidate.initiator.signer.cert_path)
        assert ask() == "granted", f"{ask()}"
        world.sandbox.advance("PT2S")
        done = office.command.run("application", "refuse", application, "--reason", "Нет основания")
        assert done.code == 0, done.err
        office.noticed()
        assert state_of(office, application) == "refused"
        assert ask() in {"directory-expired", "directory-unknown", "method-not-allowed"}, f"{ask()}"
    with checks.case("what was accepted before for the same initiator still stands"):
        reply = candidate.ask_own(uin, ["GBDFLUniversal_token"], candidate.ovt(), directory_id="dir-app-own")
        assert_reply(reply, "VALID", "granted")
    with checks.case("refused: nothing is done with it any more"):
        for words in (("approve",), ("accept",), ("withdraw",)):
            office.out_of_turn(application, "refused", *words, application)
