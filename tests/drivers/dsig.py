"""The WS-Security profile of trust.md 1, signed and verified by libxmlsec1."""

from __future__ import annotations

import base64
import enum
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree

from envelope import SOAP, child, name_in

DS = "http://www.w3.org/2000/09/xmldsig#"
OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
WSSE = OASIS + "wssecurity-secext-1.0.xsd"
WSU = OASIS + "wssecurity-utility-1.0.xsd"
X509V3 = OASIS + "x509-token-profile-1.0#X509v3"
BASE64 = OASIS + "soap-message-security-1.0#Base64Binary"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"


class KeyForm(enum.Enum):
    """How KeyInfo tells the key: the forms (a) to (d)."""

    KEY_IDENTIFIER = "a: wsse:KeyIdentifier"
    ISSUER_SERIAL = "b: ds:X509IssuerSerial"
    SECURITY_TOKEN = "c: wsse:BinarySecurityToken"
    CERTIFICATE = "d: ds:X509Certificate"


@dataclass(frozen=True)
class Signer:
    """A private key and its certificate, both PEM files."""

    key_path: str
    cert_path: str

    @cached_property
    def certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(Path(self.cert_path).read_bytes())

    @cached_property
    def private_key(self) -> rsa.RSAPrivateKey:
        key = serialization.load_pem_private_key(Path(self.key_path).read_bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey), f"{self.key_path} is not an RSA key"
        return key

    @cached_property
    def xmlsec_key(self) -> xmlsec.Key:
        return xmlsec.Key.from_file(self.key_path, xmlsec.constants.KeyDataFormatPem)

    @cached_property
    def certificate_base64(self) -> str:
        return base64.b64encode(self.certificate.public_bytes(serialization.Encoding.DER)).decode()


@dataclass(frozen=True)
class Profile:
    """The choices that the profile leaves to a sender, and the ones it forbids (for refusals)."""

    form: KeyForm = KeyForm.KEY_IDENTIFIER
    body_id: str = field(default_factory=lambda: f"id-{uuid.uuid4()}")
    prefix_list: str | None = None
    reversed_issuer: bool = False
    signature_method: str = RSA_SHA256
    digest_method: str = SHA256
    must_understand: str = "1"


def sign(root: etree._Element, signer: Signer, profile: Profile | None = None) -> etree._Element:
    """Puts wsse:Security with one Signature over Body into Header; returns the Signature."""
    profile = profile or Profile()
    header = root.find(name_in(SOAP, "Header"))
    body = root.find(name_in(SOAP, "Body"))
    assert header is not None and body is not None
    body.set(name_in(WSU, "Id"), profile.body_id)
    security = etree.SubElement(header, name_in(WSSE, "Security"), nsmap={"wsse": WSSE, "wsu": WSU})
    security.set(name_in(SOAP, "mustUnderstand"), profile.must_understand)
    signature = etree.SubElement(security, name_in(DS, "Signature"), nsmap={"ds": DS})
    _signed_info(signature, profile)
    child(signature, DS, "SignatureValue")
    context = xmlsec.SignatureContext()
    context.key = signer.xmlsec_key
    context.register_id(body, "Id", WSU)
    context.sign(signature)
    # KeyInfo is outside of SignedInfo; added after signing, so that libxmlsec1 cannot rewrite it.
    _key_info(signature, security, signer, profile)
    return signature


def _signed_info(signature: etree._Element, profile: Profile) -> None:
    info = child(signature, DS, "SignedInfo")
    _exclusive(info, "CanonicalizationMethod", profile)
    child(info, DS, "SignatureMethod").set("Algorithm", profile.signature_method)
    reference = child(info, DS, "Reference")
    reference.set("URI", f"#{profile.body_id}")
    _exclusive(child(reference, DS, "Transforms"), "Transform", profile)
    child(reference, DS, "DigestMethod").set("Algorithm", profile.digest_method)
    child(reference, DS, "DigestValue")


def _exclusive(parent: etree._Element, local: str, profile: Profile) -> None:
    element = child(parent, DS, local)
    element.set("Algorithm", EXCLUSIVE)
    if profile.prefix_list is not None:
        inclusive = etree.SubElement(element, name_in(EXCLUSIVE, "InclusiveNamespaces"), nsmap={"ec": EXCLUSIVE})
        inclusive.set("PrefixList", profile.prefix_list)


def _key_info(signature: etree._Element, security: etree._Element, signer: Signer, profile: Profile) -> None:
    key_info = child(signature, DS, "KeyInfo")
    if profile.form is KeyForm.CERTIFICATE:
        child(child(key_info, DS, "X509Data"), DS, "X509Certificate", signer.certificate_base64)
        return
    reference = child(key_info, WSSE, "SecurityTokenReference")
    if profile.form is KeyForm.KEY_IDENTIFIER:
        identifier = child(reference, WSSE, "KeyIdentifier", signer.certificate_base64)
        identifier.set("EncodingType", BASE64)
        identifier.set("ValueType", X509V3)
    elif profile.form is KeyForm.ISSUER_SERIAL:
        pair = child(child(reference, DS, "X509Data"), DS, "X509IssuerSerial")
        names = [name.rfc4514_string() for name in signer.certificate.issuer.rdns]
        ordered = names if profile.reversed_issuer else names[::-1]
        child(pair, DS, "X509IssuerName", ",".join(ordered))
        child(pair, DS, "X509SerialNumber", str(signer.certificate.serial_number))
    else:
        token_id = f"X509-{uuid.uuid4()}"
        token = etree.Element(name_in(WSSE, "BinarySecurityToken"))
        token.text = signer.certificate_base64
        token.set("EncodingType", BASE64)
        token.set("ValueType", X509V3)
        token.set(name_in(WSU, "Id"), token_id)
        security.insert(0, token)
        pointer = child(reference, WSSE, "Reference")
        pointer.set("URI", f"#{token_id}")
        pointer.set("ValueType", X509V3)


def verify(
    root: etree._Element, authority: x509.Certificate, at: datetime, known: x509.Certificate | None = None
) -> x509.Certificate:
    """Holds an answer against the whole profile; returns its signer's certificate.

    The answer must have one Security with one Signature over the Body by wsu:Id, be signed by the
    certificate that it carries, and that certificate must be issued by `authority` and valid `at`. With `known`
    it carries none, as ШЭП's does not, and names that one by issuer and serial number.
    """
    header = root.find(name_in(SOAP, "Header"))
    assert header is not None, "the answer has no Header"
    securities = header.findall(name_in(WSSE, "Security"))
    assert len(securities) == 1, f"{len(securities)} wsse:Security in the answer"
    assert securities[0].get(name_in(SOAP, "mustUnderstand")) == "1", "Security without mustUnderstand=1"
    signatures = list(root.iter(name_in(DS, "Signature")))
    assert len(signatures) == 1 and signatures[0].getparent() is securities[0], "not one Signature in Security"
    signature = signatures[0]
    body = _referenced_body(root, signature)
    certificate = _carried_certificate(signature) if known is None else _named(signature, known)
    context = xmlsec.SignatureContext()
    context.register_id(body, "Id", WSU)
    context.key = xmlsec.Key.from_memory(
        certificate.public_bytes(serialization.Encoding.PEM), xmlsec.constants.KeyDataFormatCertPem
    )
    context.verify(signature)
    _issued(certificate, authority, at)
    return certificate


def _referenced_body(root: etree._Element, signature: etree._Element) -> etree._Element:
    def algorithms(path: str) -> list[str]:
        return signature.xpath(path + "/@Algorithm", namespaces={"ds": DS})

    assert algorithms("ds:SignedInfo/ds:CanonicalizationMethod") == [EXCLUSIVE], "C14N of SignedInfo"
    assert algorithms("ds:SignedInfo/ds:SignatureMethod") == [RSA_SHA256], "signature method"
    assert algorithms("ds:SignedInfo/ds:Reference/ds:Transforms/ds:Transform") == [EXCLUSIVE], "transforms"
    assert algorithms("ds:SignedInfo/ds:Reference/ds:DigestMethod") == [SHA256], "digest method"
    uris = signature.xpath("ds:SignedInfo/ds:Reference/@URI", namespaces={"ds": DS})
    bodies = root.findall(name_in(SOAP, "Body"))
    assert len(bodies) == 1, f"{len(bodies)} Body in the answer"
    identity = bodies[0].get(name_in(WSU, "Id"))
    assert identity and uris == [f"#{identity}"], f"the Reference {uris} is not the Body {identity}"
    assert len(root.xpath("//@*[. = $id]", id=identity)) == 1, "the id of Body is not unique"
    return bodies[0]


def _carried_certificate(signature: etree._Element) -> x509.Certificate:
    """Form (a); the default of the service."""
    texts = signature.xpath(
        "ds:KeyInfo/wsse:SecurityTokenReference/wsse:KeyIdentifier[@ValueType=$v and @EncodingType=$e]/text()",
        namespaces={"ds": DS, "wsse": WSSE},
        v=X509V3,
        e=BASE64,
    )
    assert len(texts) == 1, "the answer's KeyInfo is not one KeyIdentifier X509v3"
    assert not any(c.isspace() for c in texts[0]), "base64 with line breaks in the answer"
    return x509.load_der_x509_certificate(base64.b64decode(texts[0], validate=True))


def _named(signature: etree._Element, known: x509.Certificate) -> x509.Certificate:
    """Form (b), of ШЭП."""
    path = "ds:KeyInfo/wsse:SecurityTokenReference/ds:X509Data/ds:X509IssuerSerial/ds:"
    spaces = {"ds": DS, "wsse": WSSE}
    issuers, serials = (
        signature.xpath(f"{path}{name}/text()", namespaces=spaces) for name in ("X509IssuerName", "X509SerialNumber")
    )
    assert serials == [str(known.serial_number)], f"signed by the serial number {serials}"
    # In either order (trust.md 1); no part of such a name holds a comma.
    parts = {part.strip() for text in issuers for part in text.split(",")}
    assert parts == {part.rfc4514_string() for part in known.issuer.rdns}, f"the issuer is {issuers}"
    assert not signature.xpath("ds:KeyInfo//ds:X509Certificate", namespaces=spaces), "it carries a certificate"
    return known


def _issued(certificate: x509.Certificate, authority: x509.Certificate, at: datetime) -> None:
    # One that is pinned stands for itself.
    if certificate != authority:
        certificate.verify_directly_issued_by(authority)
        constraints = authority.extensions.get_extension_for_class(x509.BasicConstraints)
        assert constraints.value.ca, "pki/ca.pem is not a CA certificate"
    for each in (certificate, authority):
        assert each.not_valid_before_utc <= at <= each.not_valid_after_utc, "certificate out of its validity"
