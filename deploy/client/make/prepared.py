"""Requests signed beforehand, for the fixed time of the fixtures: those of the HTTP file, and those of .NET."""

from xml.sax.saxutils import escape

import envelope
import pack
import pki
import world
from cryptography.x509.oid import NameOID
from envelope import BASE64, DIGEST, DS, EXC, RSA_SHA256, SHA256, SIGNATURE, SOAP, SYNC, WSSE, WSU, X509V3

BANK = pack.PEER["name"]
#: Id of the token in a sample; a client makes a new one for each message.
TOKEN = f"uuid-{envelope.ident('dotnet', 'token')}-1"


def signed(name: str, **asked: str | None) -> str:
    """A request of the bank, signed by itself, its certificate as wsse:KeyIdentifier."""
    return envelope.request(f"client-pack/{name}", sender=BANK, signer=BANK, **asked)


def requests() -> dict[str, str]:
    """What the HTTP file sends."""
    method_1 = {"omit_sms": "false", "ovt": None}
    good = signed("method-2")
    made = {
        "method-2": good,
        "method-1": signed("method-1", **method_1),
        "method-1-no-phone": signed("no-phone", uin=world.subject("no-phone"), **method_1),
        "wrong-uin": signed("wrong-uin", uin="800101399010"),
        # As an editor does it to a request that was signed already.
        "pretty-printed-after-signing": good.replace("<requestInfo>", "\n  <requestInfo>"),
        "sha-1": good.replace(SHA256, "http://www.w3.org/2000/09/xmldsig#sha1"),
        "not-signed": good[:good.index("<soap:Header>")] + good[good.index("<soap:Body"):],
    }
    return {f"http/request/{name}.xml": text for name, text in made.items()}


def dotnet() -> dict[str, str]:
    """One sample for each form of KeyInfo, in the spelling of System.Security.Cryptography.Xml and of WCF."""
    certificate = pki.certificate(BANK)
    der = envelope.der(BANK)
    # X500DistinguishedName prints the last name first.
    names = {NameOID.COMMON_NAME: "CN", NameOID.ORGANIZATION_NAME: "O", NameOID.COUNTRY_NAME: "C"}
    issuer = ", ".join(f"{names[each.oid]}={each.value}" for each in reversed(list(certificate.issuer)))
    identifier = f'<o:KeyIdentifier ValueType="{X509V3}" EncodingType="{BASE64}">{der}</o:KeyIdentifier>'
    serial = (f"<X509Data><X509IssuerSerial><X509IssuerName>{escape(issuer)}</X509IssuerName>"
              f"<X509SerialNumber>{certificate.serial_number}</X509SerialNumber></X509IssuerSerial></X509Data>")
    token = (f'<o:BinarySecurityToken ValueType="{X509V3}" EncodingType="{BASE64}" u:Id="{TOKEN}">{der}'
             f"</o:BinarySecurityToken>")
    reference = f'<o:Reference ValueType="{X509V3}" URI="#{TOKEN}" />'
    forms = {
        "KeyIdentifier": ("", in_reference(identifier)),
        "IssuerSerial": ("", in_reference(serial)),
        "BinarySecurityToken": (token, in_reference(reference)),
        "X509Data": ("", f"<X509Data><X509Certificate>{der}</X509Certificate></X509Data>"),
    }
    return {f"csharp/{form}.xml": sample(form, *said) for form, said in forms.items()}


def in_reference(content: str) -> str:
    return f"<o:SecurityTokenReference>{content}</o:SecurityTokenReference>"


def sample(form: str, token: str, key_info: str) -> str:
    """.NET writes the signature in a default namespace, a blank before `/>`, and declares where it uses."""
    info = (f'<SignedInfo><CanonicalizationMethod Algorithm="{EXC}" /><SignatureMethod Algorithm="{RSA_SHA256}" />'
            f'<Reference URI="#_1"><Transforms><Transform Algorithm="{EXC}" /></Transforms>'
            f'<DigestMethod Algorithm="{SHA256}" /><DigestValue>{DIGEST}</DigestValue></Reference></SignedInfo>')
    signature = (f'<Signature xmlns="{DS}">{info}<SignatureValue>{SIGNATURE}</SignatureValue>'
                 f"<KeyInfo>{key_info}</KeyInfo></Signature>")
    name = f"client-pack/dotnet-{form}"
    data = envelope.elements(envelope.fields(name, BANK))
    said = envelope.elements(envelope.info(name, BANK, correlationId=None, sessionId=None), raw=True)
    text = (f'<s:Envelope xmlns:s="{SOAP}" xmlns:u="{WSU}"><s:Header>'
            f'<o:Security s:mustUnderstand="1" xmlns:o="{WSSE}">{token}{signature}</o:Security></s:Header>'
            f'<s:Body u:Id="_1" xmlns:xsi="{envelope.XSI}" xmlns:xsd="{envelope.XS}">'
            f'<SendMessage xmlns="{SYNC}"><request xmlns=""><requestInfo>{said}</requestInfo>'
            f"<requestData><data>{data}</data></requestData></request></SendMessage></s:Body></s:Envelope>")
    return envelope.seal(text, envelope.rsa_sha256(BANK))
