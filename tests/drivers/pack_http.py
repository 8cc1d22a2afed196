"""The HTTP file, sent as an HTTP client of an editor sends it, and the samples of .NET; for a sandbox with --seed 1."""

from __future__ import annotations

import http.client
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from check import Checks
from pack_client import CLIENT
from sandbox import Sandbox

FILE = CLIENT / "http" / "kdp.http"
FORMS = {"KeyIdentifier", "IssuerSerial", "BinarySecurityToken", "X509Data"}
BODY = "http://schemas.xmlsoap.org/soap/envelope/:Body"


@dataclass
class Request:
    """One of the file, and what its title says must come."""

    title: str
    status: int
    outcome: str
    method: str = ""
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None


def run(checks: Checks, sandbox: Sandbox) -> None:
    for request in read(FILE, {"origin": f"http://127.0.0.1:{sandbox.port}"}):
        with checks.case(f"{request.title}: {request.status} {request.outcome}".strip()):
            status, text = send(request, sandbox.port)
            assert status == request.status, f"HTTP {status}: {text[:300]}"
            # As a status, a code or a fault's code: not somewhere in a text.
            assert not request.outcome or re.search(rf">{request.outcome}<", text), f"it says: {text[-600:]}"


def read(file: Path, settings: dict[str, str]) -> list[Request]:
    """Requests stand between lines of ###; a variable of the file gives way to a setting of the same name."""
    head, *parts = re.split(r"^###", file.read_text(encoding="utf-8"), flags=re.M)
    known = dict(re.findall(r"^@(\w+) = (.+)$", head, flags=re.M)) | settings
    requests = []
    for part in parts:
        filled = re.sub(r"\{\{(\w+)\}\}", lambda found: known[found.group(1)], part)
        title, _, rest = filled.strip().partition("\n")
        named = re.fullmatch(r"(.+): ([0-9]{3})(?: ([A-Z_0-9]+))?", title.strip())
        assert named, f"no outcome in the title: {title}"
        request = Request(named.group(1), int(named.group(2)), named.group(3) or "")
        top, _, body = rest.partition("\n\n")
        first, *headers = top.strip().splitlines()
        request.method, request.url = first.split()
        request.headers = {name: value.strip() for name, _, value in (each.partition(":") for each in headers)}
        if body.startswith("< "):
            request.body = (file.parent / body[2:].strip()).read_bytes()
        elif body.strip():
            request.body = body.strip().encode()
        requests.append(request)
    assert len(requests) >= 10, f"{len(requests)} requests in {file.name}"
    return requests


def send(request: Request, port: int) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        path = "/" + request.url.split("/", 3)[3]
        connection.request(request.method, path, request.body, request.headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def run_samples(checks: Checks, sandbox: Sandbox, folder: Path) -> None:
    """Each is verified by xmlsec1, accepted at the time of the fixtures, and what SignedXml writes, octet for octet."""
    sandbox.post("/sandbox/clock", {"set": "2026-04-01T12:00:00+05:00"})
    samples = {path.stem: path for path in (CLIENT / "csharp").glob("*.xml")}
    with checks.case("one for each form of KeyInfo"):
        assert set(samples) == FORMS, set(samples)
    cert, ca = sandbox.peers["bank"].signer.cert_path, sandbox.info["ca"]
    signer, store = folder / "Sign.exe", folder / "dotnet.p12"
    with checks.case("Sign.cs is compiled without a warning"):
        compiler = ["mcs", "-warnaserror", "-r:System.Security", f"-out:{signer}", CLIENT / "csharp/Sign.cs"]
        subprocess.run(compiler, check=True, capture_output=True)
        # Mono reads no keystore with the encryption that OpenSSL 3 chooses by itself.
        keys = ["-in", cert, "-inkey", sandbox.peers["bank"].signer.key_path, "-passout", "pass:sandbox"]
        subprocess.run(["openssl", "pkcs12", "-export", "-legacy", *keys, "-out", store], check=True)
    for form, path in sorted(samples.items()):
        with checks.case(f"{form}: Sign.cs writes the same octets by SignedXml"):
            bare = re.sub(r"<o:Security.*</o:Security>", "", path.read_text(encoding="utf-8"))
            (folder / "unsigned.xml").write_text(bare, encoding="utf-8")
            sign = ["mono", signer, store, "sandbox", folder / "unsigned.xml", form]
            assert subprocess.run(sign, check=True, capture_output=True).stdout == path.read_bytes()
        with checks.case(f"{form}: verified by xmlsec1, and accepted"):
            verify = ["xmlsec1", "--verify", "--pubkey-cert-pem", cert, "--trusted-pem", ca, "--id-attr:Id", BODY, path]
            done = subprocess.run(verify, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            request = Request(form, 200, "VALID", "POST", "http://sandbox/shep/sync", {}, path.read_bytes())
            request.headers["Content-Type"] = "text/xml; charset=utf-8"
            status, text = send(request, sandbox.port)
            assert status == 200 and ">VALID<" in text, f"HTTP {status}: {text[-600:]}"
