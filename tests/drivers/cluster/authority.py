"""The cluster's own authority, and a certificate of each machine, by openssl."""

from __future__ import annotations

import subprocess
from pathlib import Path

from cluster import account


class Authority:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificate, self._key = folder / "authority.pem", folder / "authority.key.pem"
        _openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
            "-keyout", str(self._key), "-out", str(self.certificate), "-subj", "/CN=cluster authority",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign",
        )  # fmt: skip
        self.certificate.chmod(0o644)

    def certify(self, name: str, addresses: list[str], folder: Path) -> tuple[Path, Path]:
        """Certificate and key of a machine, as server and client; they are the database's account's."""
        request, certificate, key = folder / "machine.csr", folder / "machine.cert.pem", folder / "machine.key.pem"
        extensions = folder / "machine.cnf"
        names = ",".join(f"IP:{address}" for address in addresses)
        extensions.write_text(f"subjectAltName={names}\nextendedKeyUsage=serverAuth,clientAuth\n")
        _openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(key),
            "-out", str(request), "-subj", f"/CN={name}",
        )  # fmt: skip
        _openssl(
            "x509", "-req", "-in", str(request), "-CA", str(self.certificate), "-CAkey", str(self._key),
            "-CAcreateserial", "-days", "30", "-extfile", str(extensions), "-out", str(certificate),
        )  # fmt: skip
        key.chmod(0o600)
        account.own([certificate, key])
        return certificate, key


def _openssl(*words: str) -> None:
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"openssl {words[0]}: {done.stderr[-300:]}"
