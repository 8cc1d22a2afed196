"""БМГ behind ШЭП: answers `MCDB_SERVICE` over SyncChannel, signed by the gateway's key (wire.md 2.4)."""

from __future__ import annotations

import http.server
import threading
import uuid
from datetime import UTC, datetime

from lxml import etree

from dsig import Signer, sign
from envelope import SOAP, T, child, find, name_in, serialise

V = "urn:kdp:services:v1"


class Citizens:
    """One listener on loopback; `numbers` says whose number is which."""

    def __init__(self, signer: Signer, numbers: dict[str, str]) -> None:
        self.signer, self.numbers = signer, numbers
        self.asked = 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = outer.answer(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Type", "text/xml; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/shep/sync"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, question: bytes) -> bytes:
        self.asked += 1
        asked = etree.fromstring(question, etree.XMLParser(resolve_entities=False, no_network=True))
        number = self.numbers.get(find(asked, "iin").text or "")
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        root = etree.Element(name_in(SOAP, "Envelope"), nsmap={"soapenv": SOAP})
        child(root, SOAP, "Header")
        top = etree.SubElement(child(root, SOAP, "Body"), name_in(T, "SendMessageResponse"), nsmap={"w": T})
        response = child(top, None, "response")
        info = child(response, None, "responseInfo")
        child(info, None, "messageId", str(uuid.uuid4()))
        child(info, None, "correlationId", find(asked, "correlationId").text)
        child(info, None, "responseDate", now)
        status = child(info, None, "status")
        child(status, None, "code", "SCSS001")
        child(status, None, "message", "Message has been processed successfully")
        data = child(child(response, None, "responseData"), None, "data")
        if number:
            child(data, V, "msisdn", number)
        child(data, V, "status", "found" if number else "not-found")
        sign(root, self.signer)
        return serialise(root)
