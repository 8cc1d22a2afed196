"""The project of SoapUI, without SoapUI: its form, its contract, and what it would send.

SoapUI itself cannot be had from a package registry. What is run: the scripts, by Groovy 2.4 as in SoapUI, with
stand-ins for the two objects that SoapUI gives them; the requests, their properties expanded and signed by libxmlsec1
as the project's signing says; the assertions, by an evaluation of their XPath.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import urllib.request
from datetime import datetime, timedelta, timezone
from pathlib import Path
from uuid import uuid4

from lxml import etree

from check import Checks
from dsig import DS, EXCLUSIVE, RSA_SHA256, SHA256, sign
from envelope import SOAP, K, serialise
from kdp_client import Line
from pack_client import CLIENT
from sandbox import Sandbox

CON = "http://eviware.com/soapui/config"
SPACES = {"con": CON, "xsi": "http://www.w3.org/2001/XMLSchema-instance"}
FILE = CLIENT / "soapui" / "kdp-soapui-project.xml"
#: What SoapUI writes below an element, in its order; what may be missing there is in brackets.
CHILDREN = {
    "soapui-project": "settings interface testSuite properties wssContainer",
    "interface": "settings definitionCache endpoints operation",
    "operation": "settings call*",
    "call": "settings encoding endpoint request",
    "testSuite": "settings runType testCase* properties",
    "testCase": "settings testStep* properties",
    "testStep": "settings config",
    "wssContainer": "crypto outgoing",
    "crypto": "source password type defaultAlias cryptoProvider",
    "outgoing": "name entry",
    "entry": "configuration?",
    "part": "url content type",
}
#: `testRunner` and `context` as far as the scripts use them.
STANDS_IN = """
class Project {
    Map<String, String> kept = [:]
    String getPropertyValue(String name) { kept[name] }
    void setPropertyValue(String name, String value) { kept[name] = value; println(name + '=' + value) }
}
def stand = new Project(kept: [%s])
def testRunner = [getTestCase: { [getTestSuite: { [getProject: { stand }] }] }]
def context = [expand: { String name -> assert name == '${ask#Response}'; new File('%s').getText('UTF-8') }]
"""


def run(checks: Checks, sandbox: Sandbox, folder: Path) -> None:
    project = etree.parse(FILE).getroot()
    with checks.case("checked by its form, since SoapUI cannot be had here: elements, order, ids"):
        form(project)
    with checks.case("the contract in it is what the service serves"):
        contract(project, sandbox)
    with checks.case("every request is signed as the profile says, and names properties that exist"):
        signing(project)
    with checks.case("the README's keystore holds the key under the alias of the project"):
        keystore(project, sandbox, folder)
    for name in ("Method 2", "Method 1"):
        with checks.case(f"test case {name}: its scripts run, its requests are answered as its assertions say"):
            story(project, sandbox, folder, name)


def form(project: etree._Element) -> None:
    for name, pattern in CHILDREN.items():
        # A test step names its interface and its operation by elements of the same names, which hold text alone.
        found = [each for each in project.iter(f"{{{CON}}}{name}") if len(each)]
        assert found, f"no {name}"
        ordered = "^" + "".join(
            f"(?:{part.rstrip('*?')} ){part[-1] if part[-1] in '*?' else ''}" for part in pattern.split()
        )
        for each in found:
            names = "".join(f"{etree.QName(below).localname} " for below in each)
            assert re.fullmatch(ordered[1:], names), f"below {name}: {names}"
    ids = project.xpath("//@id")
    assert len(ids) == len(set(ids)) and len(ids) >= 10, "ids are missing, or not unique"
    for each in project.iter(f"{{{CON}}}operation"):
        if each.get("name"):
            assert (each.get("action"), each.get("type")) == ("", "Request-Response")


def contract(project: etree._Element, sandbox: Sandbox) -> None:
    cache = project.find(".//con:definitionCache", SPACES)
    parts = {part.findtext("con:url", None, SPACES): part.findtext("con:content", None, SPACES) for part in cache}
    assert cache.get("rootPart") in parts and len(parts) >= 8, list(parts)
    interface = project.find("con:interface", SPACES)
    assert interface.get("definition") == cache.get("rootPart")
    namespace, name = interface.get("bindingName")[1:].split("}")
    root = etree.fromstring(parts[cache.get("rootPart")].encode())
    assert root.get("targetNamespace") == namespace and root.find(f"{{*}}binding[@name='{name}']") is not None
    for url, content in parts.items():
        with urllib.request.urlopen(url.replace(":8414", f":{sandbox.port}"), timeout=20) as answer:
            served = answer.read().decode().replace(f":{sandbox.port}", ":8414")
        assert served == content, f"{url} is served otherwise"


def signing(project: etree._Element) -> None:
    outgoing = project.find("con:wssContainer/con:outgoing", SPACES)
    entry = outgoing.find("con:entry", SPACES)
    said = {each.tag: each.text for each in entry.find("con:configuration", SPACES)}
    assert entry.get("type") == "Signature" and said["keyIdentifierType"] == "3", said
    algorithms = (said["signatureAlgorithm"], said["signatureCanonicalization"], said["digestAlgorithm"])
    assert algorithms == (RSA_SHA256, EXCLUSIVE, SHA256), algorithms
    part = {each.get("key"): each.get("value") for each in etree.fromstring(said["signaturePart"])}
    assert part == {"id": "", "name": "Body", "enc": "Element", "namespace": SOAP}, part
    crypto = project.findtext("con:wssContainer/con:crypto/con:source", None, SPACES)
    assert crypto.rsplit("/", 1)[-1] == said["crypto"], crypto
    known = properties(project)
    asked = [*project.iter(f"{{{CON}}}call"), *project.xpath("//con:config/con:request", namespaces=SPACES)]
    assert len(asked) >= 5, len(asked)
    for each in asked:
        assert each.get("outgoingWss") == outgoing.findtext("con:name", None, SPACES), each.get("name")
    for name in re.findall(r"\$\{#Project#(\w+)\}", FILE.read_text(encoding="utf-8")):
        assert name in known, f"no property {name}"


def keystore(project: etree._Element, sandbox: Sandbox, folder: Path) -> None:
    """As the README's command makes it."""
    line = next(line for line in (CLIENT / "README.md").read_text().splitlines() if "openssl pkcs12" in line)
    bank = sandbox.peers["bank"].signer
    made = folder / "bank.p12"
    words = [
        bank.cert_path if word.endswith(".cert.pem") else bank.key_path if word.endswith(".key.pem") else word
        for word in line.removeprefix("$ ").split()
    ]
    subprocess.run([*words[:-1], made], check=True, capture_output=True)
    crypto = project.find("con:wssContainer/con:crypto", SPACES)
    password = crypto.findtext("con:password", None, SPACES)
    listed = subprocess.run(
        ["keytool", "-list", "-keystore", made, "-storepass", password], capture_output=True, text=True, check=True
    )
    alias = crypto.findtext("con:defaultAlias", None, SPACES)
    assert f"{alias}, " in listed.stdout and "PrivateKeyEntry" in listed.stdout, listed.stdout


def story(project: etree._Element, sandbox: Sandbox, folder: Path, name: str) -> None:
    bank = sandbox.peers["bank"]
    known = properties(project) | {"password": bank.password, "key": bank.signer.key_path}
    answer = folder / "soapui-answer.xml"
    line = Line(sandbox.port)
    [case] = project.xpath("//con:testCase[@name=$name]", name=name, namespaces=SPACES)
    for step in case.findall("con:testStep", SPACES):
        if step.get("type") == "groovy":
            script = step.findtext("con:config/script", None, SPACES)
            # What is expanded there is the answer of a step of this name.
            assert "${" not in script or case.find("con:testStep[@name='ask']", SPACES) is not None
            known |= groovy(script, known, answer, folder)
            sandbox.advance("PT5S")
            continue
        request = step.find("con:config/con:request", SPACES)
        root = etree.fromstring(expanded(request.findtext("con:request", None, SPACES), known).encode())
        sign(root, bank.signer)
        answer.write_bytes(line.post(serialise(root)).body)
        [assertion] = request.findall("con:assertion", SPACES)
        path, content = (assertion.findtext(f"con:configuration/{each}", None, SPACES) for each in ("path", "content"))
        assert path.startswith(f"declare namespace k='{K}';\n"), path
        got = etree.parse(answer).xpath(path.partition("\n")[2] + "/text()", namespaces={"k": K})
        assert got == [content], f"{step.get('name')}: {got}, expected {content}"
    line.close()


def groovy(script: str, known: dict[str, str], answer: Path, folder: Path) -> dict[str, str]:
    """The properties that it sets."""
    imports = re.findall(r"^import .*$", script, flags=re.M)
    rest = re.sub(r"^import .*$", "", script, flags=re.M)
    kept = ", ".join(f"{name}: '{value}'" for name, value in known.items())
    file = folder / "step.groovy"
    file.write_text("\n".join([*imports, STANDS_IN % (kept, answer), rest]), encoding="utf-8")
    java = Path(shutil.which("java") or "").resolve().parents[1]
    done = subprocess.run(
        ["groovy", "-encoding", "UTF-8", file],
        env={**os.environ, "JAVA_HOME": str(java), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-600:]
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)


def expanded(text: str, known: dict[str, str]) -> str:
    """What SoapUI puts in: properties, and the two expressions that the requests use."""
    text = re.sub(r"\$\{#Project#(\w+)\}", lambda found: known[found.group(1)], text)
    date = datetime.now(timezone(timedelta(hours=5))).isoformat(timespec="milliseconds")
    text = text.replace("${=UUID.randomUUID()}", str(uuid4()))
    text = re.sub(r"\$\{=java\.time\.OffsetDateTime\.now[^}]*\}", date, text)
    assert "${" not in text, text
    assert DS not in text, "signed already"
    return text


def properties(project: etree._Element) -> dict[str, str]:
    return {
        each.findtext("con:name", None, SPACES): each.findtext("con:value", None, SPACES) or ""
        for each in project.findall("con:properties/con:property", SPACES)
    }
