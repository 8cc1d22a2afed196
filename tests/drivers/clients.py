#!/usr/bin/env python3
"""Clients made by others from the WSDL that is served: `python clients.py [--kdp BINARY] [--client NAME …]`.

Each of tests/clients/ loads `?wsdl` from a `kdp sandbox`, asks by its own types and tells what its own objects hold of
the answer. It sends to ШЭП (signing_gateway.py), which stands before that sandbox. What a client tells is compared with
what went over the wire, value by value. The last line is `N passed, M failed`; exit 1 if anything failed.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from lxml import etree

from case_stand import eventually
from check import Checks
from command import Command
from foreign_client import CLIENTS, Client, Told, Wrapper
from kdp_client import Caller, World, assert_reply, soap_content
from reply import Reply, is_fault, read_fault, read_reply
from sandbox import Peer, Sandbox, default_binary
from signing_gateway import Exchange, SigningGateway

# Letters of Kazakh and Russian, and what XML escapes.
COMPANY = "«Тест Банкі» ЖШС & <ұғым> ТОО"
TIMES = {"expires_at", "errorDate"}


def main() -> int:
    arguments = argparse.ArgumentParser(description="SOAP clients made by others, on the WSDL that is served")
    arguments.add_argument("--kdp", type=Path, default=None, help="the binary (default: the newer of target/*/kdp)")
    arguments.add_argument("--client", action="append", choices=list(CLIENTS), help="only these; repeatable")
    arguments.add_argument("--build", type=Path, required=True, help="folder for what is installed and compiled")
    chosen = arguments.parse_args()
    binary = chosen.kdp or default_binary()
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="kdp-clients-") as folder:
        data, log = Path(folder) / "data", Path(folder) / "log"
        with Sandbox(binary, data, log) as sandbox:
            world = World(sandbox, data)
            wsdl = f"http://127.0.0.1:{sandbox.port}/shep/sync?wsdl"
            stage = Stage(world, Command(binary, data))
            with SigningGateway(world) as gateway:
                for name in chosen.client or CLIENTS:
                    client = CLIENTS[name](chosen.build / name, wsdl, gateway.url)
                    checks.topic(f"{name} {version(client)}")
                    cases(client, stage, gateway, checks)
            sandbox.stop()
    return checks.summary()


def version(client: Client) -> str:
    try:
        return client.version()
    except (OSError, AssertionError):
        return "(not installed)"


class Stage:
    """Who asks. An initiator is answered in the second wrapper unless it is registered otherwise (`reply`)."""

    def __init__(self, world: World, command: Command) -> None:
        self.world = world
        usual = world.through_shep.initiator
        added = command.json(
            *("initiator", "add", "--sender-id", "bank_typed", "--name", "Typed", "--bin", usual.bin or ""),
            *("--reply", "sync-channel", "--methods", "1,2", "--own-means", "bank", "--basis", "a test"),
            *("--protocol", "2=a test"),
            *("--services", ",".join(usual.services), "--max-term-days", "90", "--ovt-key", usual.signer.cert_path),
        )
        typed = replace(usual, name="bank_typed", sender_id="bank_typed", password=added["password"])
        self._notices(self._caller(typed))
        self._callers = {Wrapper.SYNC_CHANNEL: self._caller(typed), Wrapper.KDP: world.through_shep}

    def _notices(self, caller: Caller) -> None:
        """Waits for the service to see the new registration."""
        body = caller.signed(caller.message(caller.fields(self.world.sandbox.subject("no-phone").iin, [], method="2")))
        eventually("the new initiator is known", lambda: not is_fault(soap_content(caller.line.post(body))))

    def _caller(self, initiator: Peer) -> Caller:
        usual = self.world.through_shep
        return Caller(usual.sandbox, usual.line, initiator, usual.signer, usual.authority)

    def caller(self, answered_in: Wrapper) -> Caller:
        return self._callers[answered_in]


def cases(client: Client, stage: Stage, gateway: SigningGateway, checks: Checks) -> None:
    with checks.case("made from the WSDL that is served"):
        client.prepare()
    for asks_in, answered_in in client.ways:
        talk = Talk(client, asks_in, answered_in, stage.caller(answered_in), gateway)
        # Left open, it may have ended while a client was compiled.
        talk.caller.line.close()
        way = f"asks in {asks_in.value}, answered in {answered_in.value}"
        with checks.case(f"{way}: VALID, and the token holds"):
            talk.valid(stage.world)
        with checks.case(f"{way}: NOT_FOUND, with its reason in Russian"):
            talk.not_found(stage.world)
        with checks.case(f"{way}: a wrong password is KDP401, by its types of the detail"):
            talk.refused(stage.world)


@dataclass(frozen=True)
class Talk:
    """A client that speaks for an initiator in one of its ways."""

    client: Client
    asks_in: Wrapper
    answered_in: Wrapper
    caller: Caller
    gateway: SigningGateway

    def valid(self, world: World) -> None:
        uin, services = world.sandbox.subject("yes").iin, world.services[:1]
        more = {"company": COMPANY, "omit_sms": "true", "ovt": self.caller.ovt(), "expiresIn": "600000"}
        reply = assert_reply(self._asks(self.caller.fields(uin, services, **more)), "VALID", "granted")
        self.caller.check_token(reply, uin, services, 2)

    def not_found(self, world: World) -> None:
        uin = world.sandbox.subject("no-phone").iin
        fields = self.caller.fields(uin, world.services[:1], method="1", lang="ru")
        assert_reply(self._asks(fields), "NOT_FOUND", "no-phone")

    def _asks(self, fields: dict[str, str | None]) -> Reply:
        told = self.client.ask(self.asks_in, self.caller.message(fields))
        exchange = self.gateway.taken()
        assert_asked(exchange, self.asks_in, fields)
        assert_told(told, exchange, self.answered_in)
        return told.reply()

    def refused(self, world: World) -> None:
        fields = self.caller.fields(world.sandbox.subject("yes").iin, world.services[:1], method="1")
        told = self.client.ask(self.asks_in, self.caller.message(fields, password="x" * 40))
        exchange = self.gateway.taken()
        assert_asked(exchange, self.asks_in, fields)
        fault = read_fault(exchange.came)
        assert fault.error_code == "KDP401", fault.faultstring
        came = {etree.QName(each).localname: each.text or "" for each in exchange.came.iterfind(".//detail/*/*")}
        assert_same("fault", told.fault, came | {"faultstring": fault.faultstring})


def assert_asked(exchange: Exchange, asks_in: Wrapper, fields: dict[str, str | None]) -> None:
    """What went over the wire is what the client was given, in the wrapper that was meant."""
    assert exchange.soap_action in (None, '""', ""), f"SOAPAction {exchange.soap_action}"
    top = exchange.sent.xpath("/*/*[local-name()='Body']/*")[0]
    assert top.tag == asks_in.request, f"it asked in {top.tag}"
    data = exchange.sent.xpath("//*[local-name()='data']")[0]
    sent = {etree.QName(each).localname: each.text for each in data}
    assert sent == {name: text for name, text in fields.items() if text is not None}, f"it sent {sorted(sent)}"


def assert_told(told: Told, exchange: Exchange, answered_in: Wrapper) -> None:
    """Every value of the answer is told as it came, and no other."""
    top = exchange.came.xpath("/*/*[local-name()='Body']/*")[0]
    assert top.tag == answered_in.response, f"the service answered in {top.tag}"
    reply = read_reply(exchange.came)
    assert_same("status", told.info, {"code": reply.info_code, "message": reply.message})
    assert_same("data", told.data, reply.data)


def assert_same(what: str, told: dict[str, str], came: dict[str, str]) -> None:
    assert told.keys() == came.keys(), f"{what}: it tells {sorted(told)}, came {sorted(came)}"
    for name, text in came.items():
        # Times are compared as times: a client that has a type for them writes them its own way.
        is_same = told[name] == text
        if name in TIMES:
            is_same = datetime.fromisoformat(told[name]) == datetime.fromisoformat(text)
        assert is_same, f"{what}: {name} is told as {told[name][:80]!r}, came {text[:80]!r}"


if __name__ == "__main__":
    raise SystemExit(main())
