"""The bytes of AsyncChannel between a client made from its WSDL and the network.

What such a client lacks is added to what it serialised: the signature, and the twin set of elements, which the WSDL has
but no operation uses. What goes and what comes is held against the published schemas.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from cryptography import x509
from lxml import etree

from dsig import Signer, sign, verify
from envelope import SOAP, XS, K, name_in, serialise
from reply import is_fault, parse
from service_client import SCHEMAS

A = "http://bip.bee.kz/AsyncChannel/v10/Types"
AC = "http://bip.bee.kz/AsyncChannel/v10/Types/Client"


@dataclass
class Carriage:
    """What happens to the bytes between a client and the network."""

    signer: Signer
    now: Callable[[], datetime]
    # Who issued the certificate of whoever answers; that certificate, where its answers carry none.
    authority: x509.Certificate
    known: x509.Certificate | None = None
    elements: str = A
    unsigned: bool = False

    def outgoing(self, message: bytes) -> bytes:
        root = etree.fromstring(message)
        self._rename(root, A, self.elements)
        if root.find(name_in(SOAP, "Header")) is None:
            root.insert(0, etree.Element(name_in(SOAP, "Header")))
        if not self.unsigned:
            sign(root, self.signer)
        return serialise(root)

    def incoming(self, message: bytes) -> bytes:
        root = parse(message)
        if not is_fault(root):
            verify(root, self.authority, self.now(), self.known)
        # Who did not sign is answered before the message is read.
        self._rename(root, A if self.unsigned else self.elements, A)
        return serialise(root)

    def _rename(self, root: etree._Element, before: str, after: str) -> None:
        """Moves the element of the contract, in Body or in a fault's detail, to another set."""
        found = root.xpath("/*/*[local-name()='Body']/*[not(self::s:Fault)] | //detail/*", namespaces={"s": SOAP})
        assert len(found) == 1, f"{len(found)} elements of the contract"
        contract().assertValid(found[0])
        name = etree.QName(found[0])
        assert name.namespace == before, f"{name.localname} is in {name.namespace}, expected {before}"
        found[0].tag = name_in(after, name.localname)
        contract().assertValid(found[0])


@cache
def contract() -> etree.XMLSchema:
    """Both sets of elements, and the data that a request carries."""
    files = {A: "AsyncChannel.xsd", AC: "AsyncChannelClient.xsd", K: "kdp.xsd"}
    root = etree.Element(name_in(XS, "schema"))
    for namespace, file in files.items():
        found = etree.SubElement(root, name_in(XS, "import"), namespace=namespace)
        found.set("schemaLocation", (SCHEMAS / file).as_uri())
    return etree.XMLSchema(root)
