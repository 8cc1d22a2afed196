#!/usr/bin/env python3
"""A minimal client of КДП: signs a request, sends it, verifies the answer, reads the security token.

    pip install -r requirements.txt        # lxml for XML and C14N, cryptography for RSA
    eval "$(python3 ../settings.py)"       # settings of a sandbox on this machine; elsewhere set the variables yourself
    python3 kdp_client.py

Asks by method 2 (a verification token of your own); with KDP_METHOD=1 the subject is asked by SMS. The certificate goes
with the signature as wsse:KeyIdentifier (X509v3). Exit 0: VALID; 1: a no, or a fault; 2: nothing that can be believed.
"""

import base64
import hashlib
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid
from datetime import datetime, timedelta, timezone
from xml.sax.saxutils import escape

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from lxml import etree

SOAP = "@SOAP@"
TYPES = "@SYNC@"
WSSE = "@WSSE@"
WSU = "@WSU@"
X509V3 = "@X509V3@"
BASE64 = "@BASE64@"
DS = "@DS@"
EXC_C14N = "@EXC@"
RSA_SHA256 = "@RSA_SHA256@"
SHA256_URI = "@SHA256@"
ASTANA = timezone(timedelta(hours=5))

URL = os.environ.get("KDP_URL", "@URL@")
METHOD = os.environ.get("KDP_METHOD", "2")
UIN = os.environ.get("KDP_UIN", "@UIN@")
BIN = os.environ.get("KDP_BIN", "@BIN@")
COMPANY = os.environ.get("KDP_COMPANY", "@COMPANY@")
SERVICES = os.environ.get("KDP_SERVICES", "@SERVICES@")
SENDER = os.environ.get("KDP_SENDER", "@SENDER@")


class NotBelieved(Exception):
    """What came is no answer of the service, or none that can be believed."""


def main() -> int:
    with open(os.environ["KDP_KEY"], "rb") as file:
        key = load_pem_private_key(file.read(), None)
    with open(os.environ["KDP_CERT"], "rb") as file:
        certificate = x509.load_pem_x509_certificate(file.read())
    # The certificate of the service is pinned: what comes with the answer proves nothing about who signed it.
    with open(os.environ["KDP_TRUST"], "rb") as file:
        service = x509.load_pem_x509_certificate(file.read())
    request_id = None
    while True:
        request = sign(envelope(payload(key, request_id)), key, certificate)
        data = read(post(request), service)
        print(f"status       {data['status']}\nreason       {data.get('reason', '')}  {data.get('reason_text', '')}")
        if data["status"] != "PENDING":
            break
        # Method 1: the subject has not answered yet. Ask again under the request's id, not sooner than told.
        request_id = data["request_id"]
        time.sleep(int(data.get("poll_after", "5")))
    if data["status"] != "VALID":
        print(f"decision     {data.get('decision_id', '')}")
        return 1
    show(data["code"])
    return 0


def payload(key: RSAPrivateKey, request_id: str | None) -> list[tuple[str, str]]:
    """The children of data, in the order of the contract. expiresIn is in milliseconds."""
    fields = [
@FIELDS@
    ]
    if METHOD == "2":
        fields.append(("ovt", ovt(key)))
    if request_id:
        fields.append(("request_id", request_id))
    return fields


def ovt(key: RSAPrivateKey) -> str:
    """A verification token: "we have the consent". iat and exp are numbers, in seconds (not milliseconds)."""
    now = int(time.time())
    claims = {"cbin": BIN, "uin": UIN, "mcheck": "BIO", "iat": now, "exp": now + 3600, "jti": str(uuid.uuid4())}
    parts = [base64url(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "JWT"}, claims)]
    signed = ".".join(parts)
    return signed + "." + base64url(key.sign(signed.encode(), padding.PKCS1v15(), SHA256()))


def envelope(fields: list[tuple[str, str]]) -> str:
    """The request without its signature. Everything inside SendMessage is unqualified: no xmlns on it."""
    data = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields)
    date = datetime.now(ASTANA).isoformat(timespec="milliseconds")
    return (
        f'<soap:Envelope xmlns:soap="{SOAP}"><soap:Header/>'
        # The Reference finds the Body by wsu:Id: an Id without this namespace is not found.
        f'<soap:Body xmlns:wsu="{WSU}" wsu:Id="body-{uuid.uuid4()}">'
        f'<tns:SendMessage xmlns:tns="{TYPES}"><request><requestInfo><messageId>{uuid.uuid4()}</messageId>'
        f"<serviceId>@SERVICE_ID@</serviceId><messageDate>{date}</messageDate>"
        f"<sender><senderId>{escape(SENDER)}</senderId><password>{escape(os.environ['KDP_PASSWORD'])}</password></sender>"
        f"</requestInfo><requestData><data>{data}</data></requestData></request></tns:SendMessage>"
        f"</soap:Body></soap:Envelope>"
    )


def sign(text: str, key: RSAPrivateKey, certificate: x509.Certificate) -> bytes:
    """Adds wsse:Security with one signature over the Body. After this not one byte of the Body may change."""
    root = etree.fromstring(text.encode())
    header, body = root
    der = base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()
    header.append(etree.fromstring(
        f'<wsse:Security xmlns:wsse="{WSSE}" xmlns:soap="{SOAP}" soap:mustUnderstand="1"><ds:Signature xmlns:ds="{DS}">'
        f'<ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{EXC_C14N}"/>'
        f'<ds:SignatureMethod Algorithm="{RSA_SHA256}"/>'
        f'<ds:Reference URI="#{body.get(f"{{{WSU}}}Id")}"><ds:Transforms><ds:Transform Algorithm="{EXC_C14N}"/>'
        f'</ds:Transforms><ds:DigestMethod Algorithm="{SHA256_URI}"/><ds:DigestValue>{digest(body)}</ds:DigestValue>'
        f"</ds:Reference></ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo><wsse:SecurityTokenReference>"
        f'<wsse:KeyIdentifier EncodingType="{BASE64}" ValueType="{X509V3}">{der}</wsse:KeyIdentifier>'
        f"</wsse:SecurityTokenReference></ds:KeyInfo></ds:Signature></wsse:Security>"
    ))
    signed_info = next(root.iter(f"{{{DS}}}SignedInfo"))
    value = key.sign(canonical(signed_info), padding.PKCS1v15(), SHA256())
    next(root.iter(f"{{{DS}}}SignatureValue")).text = base64.b64encode(value).decode()
    # Never pretty_print here: blanks between elements are part of what was signed.
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def post(request: bytes) -> bytes:
    """Sends octets, not text: nobody may encode the Cyrillic anew. A fault comes with HTTP 500 and has a body too."""
    headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}
    try:
        with urllib.request.urlopen(urllib.request.Request(URL, request, headers), timeout=30) as answer:
            return answer.read()
    except urllib.error.HTTPError as answer:
        return answer.read()


def read(answer: bytes, service: x509.Certificate) -> dict[str, str]:
    """The children of data, from the very Body whose signature was verified."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(answer, parser)
    except etree.XMLSyntaxError as error:
        raise NotBelieved(f"no XML from {URL}: {error}") from None
    body = root.find(f"{{{SOAP}}}Body")
    for fault in root.iter(f"{{{SOAP}}}Fault"):
        said = {etree.QName(each).localname: each.text or "" for each in fault.iter(etree.Element)}
        print(f"fault        {said.get('errorCode', said.get('faultcode'))}: "
              f"{said.get('errorMessage', said.get('faultstring'))}\nwhat to do   {said.get('errorData', '')}")
        sys.exit(1)
    verify(root, body, service)
    [status] = body.xpath(".//*[local-name()='responseInfo']/*[local-name()='status']")
    code, message = (each.text for each in status)
    data = {etree.QName(each).localname: each.text or "" for each in body.xpath(".//*[local-name()='data']/*")}
    if code != "SCSS001":
        # SCSE002 names the element that is wrong; SCSE003 is the service's own failure, and safe to repeat.
        print(f"{code}      {message}")
    return {"status": "ERROR"} | data


def verify(root: etree._Element, body: etree._Element, service: x509.Certificate) -> None:
    signatures = root.findall(f"{{{SOAP}}}Header/{{{WSSE}}}Security/{{{DS}}}Signature")
    if len(signatures) != 1:
        raise NotBelieved("the answer is not signed")
    [signed_info] = signatures[0].findall(f"{{{DS}}}SignedInfo")
    [reference] = signed_info.findall(f"{{{DS}}}Reference")
    algorithms = [each.get("Algorithm") for each in signed_info.iter(etree.Element) if each.get("Algorithm")]
    # What is read must be what was signed: the reference has to name this Body, and nothing else may carry its id.
    ident = body.get(f"{{{WSU}}}Id")
    if not ident or reference.get("URI") != "#" + ident or len(root.xpath("//*[@*[.=$id]]", id=ident)) != 1:
        raise NotBelieved("the signature is not over the Body")
    if algorithms != [EXC_C14N, RSA_SHA256, EXC_C14N, SHA256_URI]:
        raise NotBelieved(f"other algorithms than agreed: {algorithms}")
    value = base64.b64decode(signatures[0].findtext(f"{{{DS}}}SignatureValue"))
    if reference.findtext(f"{{{DS}}}DigestValue").strip() != digest(body):
        raise NotBelieved("the answer was changed on its way")
    try:
        service.public_key().verify(value, canonical(signed_info), padding.PKCS1v15(), SHA256())
    except InvalidSignature:
        raise NotBelieved("the answer is not signed by the service") from None


def show(token: str) -> None:
    """What the security token says. (The owner of the register verifies it: kdp token verify.)"""
    part = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    for name, value in claims.items():
        print(f"  {name:10} {json.dumps(value, ensure_ascii=False)}")
    print(f"valid until  {datetime.fromtimestamp(claims['exp'], ASTANA).isoformat()}\ntoken\n{token}")


def digest(element: etree._Element) -> str:
    return base64.b64encode(hashlib.sha256(canonical(element)).digest()).decode()


def canonical(element: etree._Element) -> bytes:
    """Exclusive C14N without comments. Inclusive C14N would digest the namespaces of the Envelope too."""
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)


def base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyError as missing:
        sys.exit(f"set {missing}; on a sandbox: eval \"$(python3 settings.py)\"")
    except (NotBelieved, OSError, ValueError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(2)
