"""Documents that xmlsec1 and `kdp xmldsig` sign for each other: the other accepts them, and no change of them."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

from check import Checks
from command import Command, Done
from lxml import etree

PKI = Path(__file__).resolve().parents[2] / "fixtures/pki"
DS = "http://www.w3.org/2000/09/xmldsig#"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
AT = "2026-04-01T12:00:00+05:00"
DOCUMENTS = 40
LAST = '(//*[local-name()="Signature"])[last()]'


def run_alone(binary: Path, folder: Path, checks: Checks) -> None:
    """Both ways, over documents of many shapes that the seed gives."""
    checks.topic("xmldsig")
    kdp = Kdp(Command(binary, folder), folder)
    dice = random.Random(4)
    with checks.case(f"{DOCUMENTS} documents that xmlsec1 signed are accepted, and refused with a letter changed"):
        for number in range(DOCUMENTS):
            by_xmlsec1(kdp, folder / f"theirs-{number}.xml", document(dice), dice)
    with checks.case(f"{DOCUMENTS} documents that kdp signed are accepted by xmlsec1, and refused when changed"):
        for number in range(DOCUMENTS):
            by_kdp(kdp, folder / f"ours-{number}.xml", document(dice))
    with checks.case("three sign in turn by either program, and xmlsec1 accepts each with the later ones off"):
        in_turn(kdp, folder, dice)
    with checks.case("a signature over all but a field is accepted by xmlsec1 and refused by its transform"):
        path = folder / "without-uin.xml"
        xpath = "<ds:XPath>not(ancestor-or-self::uin)</ds:XPath>"
        drop = f'<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116">{xpath}</ds:Transform>'
        path.write_text(f"<data><uin>1</uin>{template(C14N, C14N, '', drop)}</data>", encoding="utf-8")
        xmlsec1_signs(path, "bank")
        assert xmlsec1_accepts(path), "xmlsec1 does not accept its own signature"
        steps = kdp.verdict(path, code=1)["signatures"][0]["steps"]
        assert steps[-1]["step"] == "form" and not steps[-1]["ok"], f"steps {steps}"


class Kdp:
    """`kdp xmldsig` with the keys of the fixtures."""

    def __init__(self, command: Command, folder: Path) -> None:
        self.command = command
        self.folder = folder

    def sign(self, path: Path, name: str) -> None:
        key, cert = PKI / f"{name}.key.pem", PKI / f"{name}.cert.pem"
        self.command.plain(
            "xmldsig", "sign", str(path), "--key", str(key), "--cert", str(cert), "--out", str(path)
        )

    def verdict(self, path: Path, code: int = 0) -> dict:
        words = ("xmldsig", "verify", str(path), "--json", "--at", AT, "--trust", str(PKI / "ca.pem"))
        done = run(str(self.command.binary), *words)
        assert done.code == code, f"{path.name}: exit {done.code}, expected {code}: {done.out}{done.err}"
        return json.loads(done.out)


def by_xmlsec1(kdp: Kdp, path: Path, text: str, dice: random.Random) -> None:
    inclusive = [C14N, f"{C14N}#WithComments"]
    info, transform = dice.choice([*inclusive, EXCLUSIVE]), dice.choice(inclusive)
    uri = dice.choice(["", "#data-1"])
    path.write_text(text.replace("</d:data>", f"{template(info, transform, uri)}</d:data>"), encoding="utf-8")
    xmlsec1_signs(path, "bank")
    found = kdp.verdict(path)
    assert found["signatures"][0]["signer"]["bin"] == "260140990117", f"signer {found}"
    change(path)
    refused = kdp.verdict(path, code=1)["signatures"][0]["steps"]
    assert [each["step"] for each in refused if not each["ok"]] == ["content"], f"steps {refused}"


def by_kdp(kdp: Kdp, path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    before = canonical(path)
    kdp.sign(path, "bank")
    assert canonical(path, without_signatures=True) == before, f"{path.name}: the content is another one"
    assert xmlsec1_accepts(path), f"{path.name}: xmlsec1 does not accept it"
    change(path)
    assert not xmlsec1_accepts(path), f"{path.name}: changed, and accepted by xmlsec1"
    kdp.verdict(path, code=1)


def in_turn(kdp: Kdp, folder: Path, dice: random.Random) -> None:
    for order in ("ktk", "tkt", "kkk", "ttt"):
        path = folder / f"in-turn-{order}.xml"
        path.write_text(document(dice), encoding="utf-8")
        for program, name in zip(order, ("bank", "akimat", "egov"), strict=True):
            if program == "k":
                kdp.sign(path, name)
            else:
                text = path.read_text(encoding="utf-8")
                path.write_text(text.replace("</d:data>", f"{template(C14N, C14N, '')}</d:data>"), encoding="utf-8")
                xmlsec1_signs(path, name)
        found = kdp.verdict(path)
        bins = [each["signer"]["bin"] for each in found["signatures"]]
        assert bins == ["260140990117", "260140990216", "260140990612"], f"{order}: signed by {bins}"
        for left in (3, 2, 1):
            assert xmlsec1_accepts(path), f"{order}: xmlsec1 does not accept signature {left}"
            assert len(kdp.verdict(path)["signatures"]) == left
            tree = etree.parse(str(path))
            signatures = tree.getroot().findall(f"{{{DS}}}Signature")
            tree.getroot().remove(signatures[-1])
            tree.write(str(path), encoding="utf-8")


def document(dice: random.Random) -> str:
    """A root `d:data` with an Id, and in it what canonical forms differ by."""
    pieces = [
        "text", "АО «Қазақ» &amp; Ко", "&#13;&#10;\t", "a\r\nb", "<!-- comment -->", "<?target some data?>", "<empty/>",
        "<![CDATA[<&>]]>", "<b xmlns='urn:e'><c xmlns=''/></b>", "<e:x xmlns:e='urn:e' e:b='2' a='1' b=\"'\"/>",
        "<x xml:lang='kk' b='&lt;&quot;&#9;'>&lt;</x>", "<d:y d:z='1'/>", "<u:x/>", "&gt;\u00a0\u2028",
    ]
    inside = "".join(dice.choices(pieces, k=dice.randint(1, 12)))
    before, after = (dice.choice(["", "<?p before?>\n", "<!-- beside -->"]) for _ in range(2))
    default = dice.choice(["", " xmlns='urn:default'"])
    return (
        f"{before}<d:data xmlns:d='urn:d' xmlns:u='urn:u'{default} Id='data-1' z='1' a='2'>"
        f"{inside}<uin>letters</uin></d:data>{after}"
    )


def change(path: Path) -> None:
    text = path.read_bytes()
    assert text.count(b"letters") == 1
    path.write_bytes(text.replace(b"letters", b"lettErs"))


def canonical(path: Path, *, without_signatures: bool = False) -> bytes:
    tree = etree.parse(str(path), etree.XMLParser(strip_cdata=False, resolve_entities=False))
    if without_signatures:
        for signature in tree.getroot().findall(f"{{{DS}}}Signature"):
            tree.getroot().remove(signature)
    return etree.tostring(tree, method="c14n", with_comments=True)


def template(info: str, transform: str, uri: str, more: str = "") -> str:
    return (
        f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{info}"/>'
        '<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>'
        f'<ds:Reference URI="{uri}"><ds:Transforms><ds:Transform Algorithm="{DS}enveloped-signature"/>{more}'
        f'<ds:Transform Algorithm="{transform}"/></ds:Transforms>'
        '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference>'
        "</ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo><ds:X509Data><ds:X509Certificate/></ds:X509Data></ds:KeyInfo>"
        "</ds:Signature>"
    )


def xmlsec1_signs(path: Path, name: str) -> None:
    keys = f"{PKI / f'{name}.key.pem'},{PKI / f'{name}.cert.pem'}"
    done = run(
        "xmlsec1", "--sign", "--privkey-pem", keys, "--id-attr:Id", "urn:d:data", "--node-xpath", LAST,
        "--output", str(path), str(path),
    )
    assert done.code == 0, f"{path.name}: xmlsec1 does not sign: {done.err[:300]}"


def xmlsec1_accepts(path: Path) -> bool:
    done = run(
        "xmlsec1", "--verify", "--trusted-pem", str(PKI / "ca.pem"), "--verification-time", "2026-04-01 12:00:00",
        "--id-attr:Id", "urn:d:data", "--node-xpath", LAST, str(path),
    )
    return done.code == 0


def run(*words: str) -> Done:
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    return Done(done.returncode, done.stdout, done.stderr)
