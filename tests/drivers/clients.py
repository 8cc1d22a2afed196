#!/usr/bin/env python3
"""Clients made by others from the WSDL that is served: `python clients.py [--kdp BINARY] [--client NAME …]`.

Each of tests/clients/ loads `?wsdl` from a `kdp sandbox`, asks by its own types and tells what its own objects hold of
the answer. It sends to ШЭП (signing_gateway.py), which stands before that sandbox. What a client tells is compared with
what went over the wire, value by value. The last line is `N passed, M failed`; exit 1 if anything failed.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from case_stand import eventually
from check import Checks
from command import Command
from envelope import K, T
from foreign_client import CLIENTS, Client, Told, Wrapper
from kdp_client import Caller, World, assert_reply, soap_content
from lxml import etree
from reply import is_fault, read_fault, read_reply
from sandbox import Peer, Sandbox, default_binary
from signing_gateway import Exchange, SigningGateway

# Letters of Kazakh and Russian, and what XML escapes.
COMPANY = "«Тест Банкі» ЖШС & <ұғым> ТОО"


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
                    checks.topic(name)
                    cases(CLIENTS[name](chosen.build / name, wsdl, gateway.url), stage, gateway, checks)
            sandbox.stop()
    return checks.summary()


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
    with checks.case(f"{client.version()}: made from the WSDL that is served"):
        client.prepare()
    for asks_in, answered_in in client.ways:
        caller = stage.caller(answered_in)
        way = f"asks in {asks_in.value}, answered in {answered_in.value}"
        with checks.case(f"{way}: VALID, and the token holds"):
            valid(client, asks_in, answered_in, caller, stage.world, gateway)
        with checks.case(f"{way}: NOT_FOUND, with the reason in Russian"):
            not_found(client, asks_in, answered_in, caller, stage.world, gateway)
        with checks.case(f"{way}: a wrong password is KDP401, by the types of the detail"):
            refused(client, asks_in, caller, stage.world, gateway)


def valid(
    client: Client, asks_in: Wrapper, answered_in: Wrapper, caller: Caller, world: World, gateway: SigningGateway
) -> None:
    uin, services = world.sandbox.subject("yes").iin, world.services[:1]
    fields = caller.fields(uin, services, company=COMPANY, omit_sms="true", ovt=caller.ovt(), expiresIn="600000")
    told = client.ask(asks_in, caller.message(fields))
    exchange = gateway.taken()
    assert_asked(exchange, asks_in, fields)
    reply = assert_reply(told.reply(), "VALID", "granted")
    assert_told(told, exchange, answered_in)
    caller.check_token(reply, uin, services, 2)


def not_found(
    client: Client, asks_in: Wrapper, answered_in: Wrapper, caller: Caller, world: World, gateway: SigningGateway
) -> None:
    uin = world.sandbox.subject("no-phone").iin
    told = client.ask(asks_in, caller.message(caller.fields(uin, world.services[:1], method="1", lang="ru")))
    exchange = gateway.taken()
    assert_reply(told.reply(), "NOT_FOUND", "no-phone")
    assert_told(told, exchange, answered_in)


def refused(client: Client, asks_in: Wrapper, caller: Caller, world: World, gateway: SigningGateway) -> None:
    fields = caller.fields(world.sandbox.subject("yes").iin, world.services[:1], method="1")
    told = client.ask(asks_in, caller.message(fields, password="x" * 40))
    came = gateway.taken().came
    fault = read_fault(came)
    assert told.fault.get("errorCode") == "KDP401", f"its types tell {told.fault}"
    expected = {etree.QName(each).localname: each.text for each in came.iterfind(".//detail/*/*")}
    expected["faultstring"] = fault.faultstring
    assert told.fault.keys() == expected.keys(), f"it tells {sorted(told.fault)}, came {sorted(expected)}"
    for name, text in expected.items():
        assert told.same(name, told.fault[name], text), f"{name} is told as {told.fault[name]!r}, came {text!r}"


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
    expected = {"code": reply.info_code, "message": reply.message}
    for what, mine, theirs in (("info", told.info, expected), ("data", told.data, reply.data)):
        assert mine.keys() == theirs.keys(), f"{what}: it tells {sorted(mine)}, came {sorted(theirs)}"
        for name, text in theirs.items():
            assert told.same(name, mine[name], text), f"{name} is told as {mine[name][:80]!r}, came {text[:80]!r}"


if __name__ == "__main__":
    raise SystemExit(main())
