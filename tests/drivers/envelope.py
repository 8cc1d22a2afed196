"""SyncChannel envelopes of a КДП request, built with lxml (wire.md 1 and 2.1)."""

from __future__ import annotations

import enum
import uuid
from dataclasses import dataclass, field

from lxml import etree

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
XS = "http://www.w3.org/2001/XMLSchema"
T = "http://bip.bee.kz/SyncChannel/v10/Types"
K = "http://service.2fa-chain.kz/ns/kdp"

# The ten elements of the contract in its order, then the project's own.
FIELD_ORDER = (
    "uin",
    "company",
    "company_bin",
    "company_responsible",
    "employee_name",
    "access_name",
    "personal_data_name",
    "expiresIn",
    "omit-sms",
    "ovt",
    "method",
    "directory_id",
    "ground_id",
    "proactive_code",
    "auth_token",
    "request_id",
    "code",
    "lang",
    "cancel",
    "dry_run",
)

Fields = list[tuple[str, str]]


class Wrapper(enum.Enum):
    """The first child of Body; all three are in use."""

    SEND_MESSAGE = (f"{{{T}}}SendMessage", None)
    SEND_MESSAGE_REQUEST = (f"{{{T}}}SendMessageRequest", None)
    KDP = (f"{{{K}}}sendMessageRequest", K)

    @property
    def tag(self) -> str:
        return self.value[0]

    @property
    def local_namespace(self) -> str | None:
        """Namespace of the elements below the wrapper."""
        return self.value[1]


@dataclass
class Message:
    """One call: who sends it, where it goes and what it carries."""

    sender_id: str
    password: str | None
    message_date: str
    fields: Fields
    service_id: str = "KDP_SERVICE"
    wrapper: Wrapper = Wrapper.SEND_MESSAGE
    payload_namespace: str | None = None
    message_id: str = field(default_factory=lambda: str(uuid.uuid4()))


def in_order(values: dict[str, str | None]) -> Fields:
    """Payload children in the order of the contract; None leaves one out."""
    unknown = set(values) - set(FIELD_ORDER)
    assert not unknown, f"no such payload elements: {unknown}"
    return [(name, text) for name in FIELD_ORDER if (text := values.get(name)) is not None]


def name_in(namespace: str | None, local: str) -> str:
    return f"{{{namespace}}}{local}" if namespace else local


def child(parent: etree._Element, namespace: str | None, local: str, text: str | None = None) -> etree._Element:
    element = etree.SubElement(parent, name_in(namespace, local))
    element.text = text
    return element


def build(message: Message) -> etree._Element:
    """The envelope, not yet signed: an empty Header and one wrapper in Body."""
    below = message.wrapper.local_namespace
    root = etree.Element(name_in(SOAP, "Envelope"), nsmap={"soapenv": SOAP})
    child(root, SOAP, "Header")
    body = child(root, SOAP, "Body")
    top = etree.SubElement(body, message.wrapper.tag, nsmap={"w": etree.QName(message.wrapper.tag).namespace})
    request = child(top, below, "request")
    info = child(request, below, "requestInfo")
    child(info, below, "messageId", message.message_id)
    child(info, below, "serviceId", message.service_id)
    child(info, below, "messageDate", message.message_date)
    sender = child(info, below, "sender")
    child(sender, below, "senderId", message.sender_id)
    if message.password is not None:
        child(sender, below, "password", message.password)
    data = child(child(request, below, "requestData"), below, "data")
    payload_namespace = message.payload_namespace or below
    for name, text in message.fields:
        child(data, payload_namespace, name, text)
    return root


def find(root: etree._Element, local: str) -> etree._Element:
    """The only element of that local name."""
    found = root.xpath("//*[local-name()=$name]", name=local)
    assert len(found) == 1, f"{len(found)} elements {local}"
    return found[0]


def serialise(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")
