"""The three clients of deploy/client as child processes, and the settings that the sandbox gives them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]
CLIENT = ROOT / "deploy" / "client"
CLIENTS = ("python", "shell", "java")


@dataclass(frozen=True)
class Said:
    """What a client printed and how it ended."""

    code: int
    out: str
    err: str


class Client:
    """One of them; Java is compiled once, since it is run often (the README's commands run its source)."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.command = {
            "python": [sys.executable, CLIENT / "python/kdp_client.py"],
            "shell": ["bash", CLIENT / "shell/kdp-client.sh"],
            "java": ["java", "-Dfile.encoding=UTF-8", "-XX:TieredStopAtLevel=1", "-cp", folder / "classes", "Client"],
        }[kind]
        #: How it ends when a setting is missing.
        self.missing = {"python": 1, "shell": 1, "java": 2}[kind]
        if kind == "java":
            compiler = ["javac", "--release", "17", "-encoding", "UTF-8", "-Xlint:all", "-Werror", "-d", folder / "classes"]
            subprocess.run([*compiler, CLIENT / "java/Client.java"], check=True)

    def run(self, environment: dict[str, str]) -> Said:
        """With these settings and nothing else of ours; one that is empty is not set."""
        settings = {name: value for name, value in environment.items() if value}
        done = subprocess.run(
            self.command,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", **settings},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)


def settings(sandbox: Sandbox) -> dict[str, str]:
    """What settings.py prints, as a shell reads it."""
    asked = f'eval "$({sys.executable} {CLIENT}/settings.py --url http://127.0.0.1:{sandbox.port})"; env -0'
    printed = subprocess.run(["env", "-i", "PATH=/usr/bin:/bin", "bash", "-ec", asked], capture_output=True, check=True)
    pairs = (pair.partition("=") for pair in printed.stdout.decode().split("\0"))
    return {name: value for name, _, value in pairs if name.startswith("KDP_")}
