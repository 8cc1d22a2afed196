"""A network behind Kannel: an SMPP 3.4 centre for one client, which reports on each SMS what it is told to."""

from __future__ import annotations

import itertools
import socket
import struct
import threading

BIND_TRANSCEIVER, SUBMIT_SM, DELIVER_SM, UNBIND, ENQUIRE_LINK = 0x09, 0x04, 0x05, 0x06, 0x15
ANSWER = 0x8000_0000
HEADER = struct.Struct(">IIII")
#: esm_class of a deliver_sm that is a report.
REPORT = 0x04
UCS2 = 8


class Network:
    """Listens until it is closed; `fate` says what becomes of the SMS to a number, as in a receipt (appendix B)."""

    def __init__(self) -> None:
        self.fate: dict[str, str] = {}
        #: Validity of the SMS that were asked to be reported, by number.
        self.validity: dict[str, str] = {}
        self._ids = itertools.count(1)
        self._client: socket.socket | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def say(self, number: str, text: str) -> None:
        """A subject answers in Cyrillic."""
        self._deliver(number, 0, UCS2, text.encode("utf-16-be"))

    def _listen(self) -> None:
        while True:
            try:
                self._client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(self._client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        stream = client.makefile("rb")
        while len(head := stream.read(HEADER.size)) == HEADER.size:
            length, command, _, sequence = HEADER.unpack(head)
            body = stream.read(length - HEADER.size)
            if command == SUBMIT_SM:
                self._submit(client, sequence, body)
            elif command == BIND_TRANSCEIVER:
                self._send(client, command | ANSWER, sequence, b"network\0")
            elif command in (ENQUIRE_LINK, UNBIND):
                self._send(client, command | ANSWER, sequence, b"")

    def _submit(self, client: socket.socket, sequence: int, body: bytes) -> None:
        _, rest = body.split(b"\0", 1)
        _, rest = rest[2:].split(b"\0", 1)
        number, rest = rest[2:].split(b"\0", 1)
        _, validity, rest = rest[3:].split(b"\0", 2)
        name, to = str(next(self._ids)), number.decode()
        self._send(client, SUBMIT_SM | ANSWER, sequence, name.encode() + b"\0")
        # Of an SMS in parts, the last one alone asks for a report.
        if rest[0] & 1:
            self.validity[to] = validity.decode()
            fate = self.fate.get(to, "DELIVRD")
            receipt = f"id:{name} sub:001 dlvrd:000 submit date:2611221200 done date:2611221201 stat:{fate} err:000 text:"
            self._deliver(to, REPORT, 0, receipt.encode())

    def _deliver(self, number: str, esm_class: int, coding: int, message: bytes) -> None:
        body = b"\0\1\1" + number.encode() + b"\0\0\0" + b"1414\0"
        body += bytes([esm_class, 0, 0]) + b"\0\0" + bytes([0, 0, coding, 0, len(message)]) + message
        assert self._client is not None
        self._send(self._client, DELIVER_SM, next(self._ids), body)

    @staticmethod
    def _send(client: socket.socket, command: int, sequence: int, body: bytes) -> None:
        client.sendall(HEADER.pack(HEADER.size + len(body), command, 0, sequence) + body)
