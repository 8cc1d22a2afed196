"""1414 with Kannel's interface, and the phones behind it: takes what nodes hand to it, and answers as subjects do."""

from __future__ import annotations

import http.client
import http.server
import itertools
import threading
import time
from dataclasses import dataclass
from urllib.parse import parse_qs, quote, urlsplit


@dataclass(frozen=True)
class Sent:
    """An SMS that was handed over: under which id, to whom, by which node, when (monotonic)."""

    id: str
    to: str
    text: str
    node: str
    at: float


class Phones:
    """`answers`: what a number says to an SMS that asks. Replies are brought until confirmed, as Kannel does."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.sent: list[Sent] = []
        self.answers: dict[str, str] = {}
        self.port_of_service = 0
        # Nodes whose SMS are neither taken nor refused, and the ids that they tried to hand over.
        self.deaf: set[str] = set()
        self.unheard: list[tuple[str, str]] = []
        self.closing = threading.Event()
        self._replies = itertools.count(1)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.close_connection = True
                if outer.take(self.path):
                    self.send_response(202)
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def take(self, path: str) -> bool:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        node = asked["node"]
        sms_id = parse_qs(urlsplit(asked["dlr-url"]).query)["id"][0]
        if node in self.deaf:
            self.unheard.append((node, sms_id))
            while node in self.deaf and not self.closing.is_set():
                time.sleep(0.05)
            return False
        self.sent.append(Sent(sms_id, asked["to"], asked["text"], node, time.monotonic()))
        answer = self.answers.get(asked["to"])
        if answer and sms_id.endswith("-ask"):
            threading.Thread(target=self._reply, args=(asked["to"], answer), daemon=True).start()
        return True

    def inbox(self, number: str) -> list[str]:
        return [each.text for each in self.sent if each.to == number]

    def _reply(self, number: str, text: str) -> None:
        query = (
            f"secret={self.secret}&id=r{next(self._replies)}&from={number}&coding=0&charset=UTF-8&text={quote(text)}"
        )
        path = f"/kannel/incoming?{query}&time={quote(time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime()))}"
        while not self.closing.wait(0.2):
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port_of_service, timeout=30)
                connection.request("GET", path)
                if connection.getresponse().status == 200:
                    return
            except (OSError, http.client.HTTPException):
                continue
            finally:
                connection.close()
