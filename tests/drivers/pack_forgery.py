"""Answers that are not the service's: whoever copies a client must not believe them."""

from __future__ import annotations

import base64
import copy
import http.server
import threading
from collections.abc import Callable
from typing import Self

from lxml import etree

from dsig import DS, WSSE, WSU, KeyForm, Profile, Signer, sign
from envelope import SOAP, K, name_in
from pack_client import CLIENT, ROOT

PKI = ROOT / "fixtures" / "pki"
#: An answer of the sandbox with the seed of the fixtures, whose key stands there.
GENUINE = (CLIENT / "wiremock/__files/method-2.VALID.xml").read_bytes()
#: A party with a certificate of the same authority, that is not the service.
STRANGER = Signer(str(PKI / "bank.key.pem"), str(PKI / "bank.cert.pem"))


def changed(root: etree._Element) -> None:
    status = root.find(f".//{name_in(K, 'expires_at')}")
    status.text = "2036" + status.text[4:]


def unsigned(root: etree._Element) -> None:
    root.remove(root.find(name_in(SOAP, "Header")))


def signed_by_another(root: etree._Element, form: KeyForm = KeyForm.KEY_IDENTIFIER) -> None:
    header = root.find(name_in(SOAP, "Header"))
    header.remove(header[0])
    sign(root, STRANGER, Profile(form))


def with_its_certificate(root: etree._Element) -> None:
    signed_by_another(root, KeyForm.CERTIFICATE)


def with_its_bare_key(root: etree._Element) -> None:
    """A verifier that takes the key from the message holds anybody's signature."""
    signed_by_another(root)
    numbers = STRANGER.private_key.public_key().public_numbers()
    info = root.find(f".//{name_in(DS, 'KeyInfo')}")
    info.clear()
    value = etree.SubElement(etree.SubElement(info, name_in(DS, "KeyValue")), name_in(DS, "RSAKeyValue"))
    for name, number in (("Modulus", numbers.n), ("Exponent", numbers.e)):
        octets = number.to_bytes((number.bit_length() + 7) // 8, "big")
        etree.SubElement(value, name_in(DS, name)).text = base64.b64encode(octets).decode()


def wrapped(root: etree._Element, ident: str | None = "another") -> None:
    """The signed Body goes elsewhere, where the Reference still finds it; another one takes its place."""
    body = root.find(name_in(SOAP, "Body"))
    evil = copy.deepcopy(body)
    if ident:
        evil.set(name_in(WSU, "Id"), ident)
    changed(evil)
    root.replace(body, evil)
    etree.SubElement(root[0], name_in(SOAP, "Kept")).append(body)


def wrapped_under_the_same_id(root: etree._Element) -> None:
    wrapped(root, None)


def moved_into_the_object(root: etree._Element) -> None:
    wrapped(root)
    kept = root[0].find(name_in(SOAP, "Kept"))
    signature = root[0].find(f"{name_in(WSSE, 'Security')}/{name_in(DS, 'Signature')}")
    signature.append(etree.Element(name_in(DS, "Object")))
    signature[-1].append(kept[0])
    root[0].remove(kept)


def signed_by_shep(root: etree._Element) -> None:
    """As ШЭП passes an answer on: signed anew, the certificate named by issuer and serial alone."""
    header = root.find(name_in(SOAP, "Header"))
    header.remove(header[0])
    sign(root, Signer(str(PKI / "shep.key.pem"), str(PKI / "shep.cert.pem")), Profile(KeyForm.ISSUER_SERIAL))


#: Those that must be believed: else a client that believes nothing would pass.
GENUINE_BY = {"genuine": "service", "signed by ШЭП": "shep"}
FORGERIES: dict[str, Callable[[etree._Element], None]] = {
    "genuine": lambda _: None,
    "signed by ШЭП": signed_by_shep,
    "changed on its way": changed,
    "not signed": unsigned,
    "signed by another party": signed_by_another,
    "signed by another party, with its X509Data": with_its_certificate,
    "signed by another key, which it carries": with_its_bare_key,
    "wrapped": wrapped,
    "wrapped, the id twice": wrapped_under_the_same_id,
    "wrapped in an Object": moved_into_the_object,
    "a page of a proxy": lambda _: None,
}


class Forger:
    """A server that answers everything with one forged answer."""

    def __init__(self, name: str) -> None:
        root = etree.fromstring(GENUINE)
        FORGERIES[name](root)
        answer = b"<html><p>Gateway Timeout<hr>" if "page" in name else etree.tostring(root)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.send_header("Content-Type", "text/xml; charset=utf-8")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        url = f"http://127.0.0.1:{self._server.server_address[1]}/shep/sync"
        trusted = GENUINE_BY.get(name, "service")
        self.settings = {"KDP_URL": url, "KDP_TRUST": str(PKI / f"{trusted}.cert.pem")}

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
