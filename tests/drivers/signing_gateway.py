"""ШЭП in front of the service, for clients that do not sign: what production's gateway does to their messages.

A client that was made from the WSDL sends to this address instead of the service's. What it serialised is held against
the published schemas, signed as ШЭП, and brought to the service; the answer is verified and goes back as it came.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from lxml import etree

from dsig import sign, verify
from envelope import SOAP, XS, K, T, find, name_in, serialise
from kdp_client import Line, World
from reply import is_fault, parse
from service_client import SCHEMAS


@dataclass(frozen=True)
class Exchange:
    """One call: what the client serialised, what the service answered."""

    sent: etree._Element
    soap_action: str | None
    came: etree._Element


class SigningGateway:
    """Listens on loopback until it is closed."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._exchanges: list[Exchange] = []
        self._wrong: list[str] = []
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            """Each connection; kept alive, as clients expect of HTTP/1.1."""

            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                try:
                    body = self._body()
                    sent = etree.fromstring(body)
                    self._pass_on(sent, gateway.prepared(sent))
                except Exception as error:
                    # The case that is under way tells it: this thread has nobody to tell.
                    gateway.refuse(f"{type(error).__name__}: {error}")
                    self._answer(400, "text/plain", b"the gateway does not take it")

            def _body(self) -> bytes:
                if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length", 0)))
                whole = b""
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    whole += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return whole

            def _pass_on(self, sent: etree._Element, body: bytes) -> None:
                line = Line(world.sandbox.port)
                came = line.post(body)
                line.close()
                gateway.keep(sent, self.headers.get("SOAPAction"), came.body)
                self._answer(came.http_status, came.headers["content-type"], came.body)

            def _answer(self, status: int, kind: str, content: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Nothing: the cases tell."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/shep/sync"

    def prepared(self, sent: etree._Element) -> bytes:
        """The client's message, signed by ШЭП; its Body is what the client serialised."""
        request = parse(etree.tostring(sent))
        assert_of_contract(request)
        header = request.find(name_in(SOAP, "Header"))
        if header is None:
            request.insert(0, etree.Element(name_in(SOAP, "Header")))
        sign(request, self._world.sandbox.peers["shep"].signer)
        return serialise(request)

    def keep(self, sent: etree._Element, soap_action: str | None, content: bytes) -> None:
        came = parse(content)
        if not is_fault(came):
            verify(came, self._world.authority, self._world.sandbox.now())
        self._exchanges.append(Exchange(sent, soap_action, came))

    def refuse(self, why: str) -> None:
        self._wrong.append(why)

    def taken(self) -> Exchange:
        """The one exchange since the last time; fails on any message that was not of the contract."""
        wrong, exchanges = self._wrong, self._exchanges
        self._wrong, self._exchanges = [], []
        assert not wrong, f"the gateway: {wrong[0]}"
        assert len(exchanges) == 1, f"{len(exchanges)} calls came over the wire, expected 1"
        return exchanges[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def assert_of_contract(request: etree._Element) -> None:
    """Body holds one element that the published schemas have, and data a getUserDataRequest of theirs."""
    body = request.find(name_in(SOAP, "Body"))
    assert body is not None and len(body) == 1, "not one element in Body"
    contract().assertValid(body[0])
    data = find(request, "data")
    in_namespace = {etree.QName(each).namespace for each in data}
    assert in_namespace in ({None}, {K}), f"children of data are in {in_namespace}"
    # anyType says nothing of the children: they are held against their type, whatever the client says that it is.
    payload = etree.Element(name_in(K, "getUserDataRequest"))
    for each in data:
        etree.SubElement(payload, name_in(K, etree.QName(each).localname)).text = each.text
    contract().assertValid(payload)


@cache
def contract() -> etree.XMLSchema:
    root = etree.Element(name_in(XS, "schema"))
    for namespace, file in {T: "SyncChannel.xsd", K: "kdp.xsd"}.items():
        found = etree.SubElement(root, name_in(XS, "import"), namespace=namespace)
        found.set("schemaLocation", (SCHEMAS / file).as_uri())
    return etree.XMLSchema(root)
