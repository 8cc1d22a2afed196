#!/usr/bin/env python3
"""The service, driven from outside: `python main_job.py [--kdp BINARY] [--topic NAME …]`.

Starts `kdp sandbox` in a new folder, runs every case against it, stops it by SIGTERM. Then the topics that
need sandboxes of their own: they move the clock back, change registrations, or kill. The last line is
`N passed, M failed`; exit 1 if anything failed.
"""

from __future__ import annotations

import argparse
import tempfile
import urllib.request
from pathlib import Path

import case_access_log
import case_application
import case_async
import case_code
import case_deadline
import case_directory
import case_dry_run
import case_fault
import case_ground
import case_own_means
import case_race
import case_reading
import case_restart
import case_revocation
import case_sms
import case_stand
import case_standing
import case_status_list
import case_token_check
import case_xmldsig
import case_zeep
from check import Checks
from kdp_client import World
from sandbox import BEHAVIOURS, Sandbox, default_binary

TOPICS = {
    "own-means": case_own_means.run,
    "sms": case_sms.run,
    "code": case_code.run,
    "dry-run": case_dry_run.run,
    "reading": case_reading.run,
    "fault": case_fault.run,
    "zeep": case_zeep.run,
    "ground": case_ground.run,
    "directory": case_directory.run,
    "token-check": case_token_check.run,
    "access-log": case_access_log.run,
    "revocation": case_revocation.run,
    "race": case_race.run,
}
# Each in sandboxes of its own.
ALONE = {
    "status-list": case_status_list.run_alone,
    "deadline": case_deadline.run_alone,
    "standing": case_standing.run_alone,
    "application": case_application.run_alone,
    "restart": case_restart.run_alone,
    "xmldsig": case_xmldsig.run_alone,
    "stand": case_stand.run_alone,
    "async": case_async.run_alone,
}


def main() -> int:
    arguments = argparse.ArgumentParser(description="drives the main job of a kdp sandbox")
    arguments.add_argument("--kdp", type=Path, default=None, help="the binary (default: the newer of target/*/kdp)")
    arguments.add_argument("--topic", action="append", choices=[*TOPICS, *ALONE], help="only these; repeatable")
    chosen = arguments.parse_args()
    binary = chosen.kdp or default_binary()
    checks = Checks()
    names = chosen.topic or [*TOPICS, *ALONE]
    with tempfile.TemporaryDirectory(prefix="kdp-main-job-") as folder:
        data, log = Path(folder) / "data", Path(folder) / "log"
        with Sandbox(binary, data, log) as sandbox:
            surface(sandbox, data, checks)
            world = World(sandbox, data)
            for name in names:
                if name in TOPICS:
                    TOPICS[name](world, checks)
            world.line.close()
            stopping(sandbox, log, checks)
        for name in names:
            if name in ALONE:
                place = Path(folder) / name
                place.mkdir()
                ALONE[name](binary, place, checks)
    return checks.summary()


def surface(sandbox: Sandbox, data: Path, checks: Checks) -> None:
    """What surface.md fixes of a sandbox."""
    checks.topic("sandbox")
    with checks.case("GET /sandbox has all peers with their methods, and their PEM files"):
        methods = {"shep": None, "bank": {1, 2, 5}, "akimat": {1, 3, 5}, "stat": {1, 4}, "newcomer": set()}
        for name, allowed in methods.items():
            peer = sandbox.peers[name]
            assert allowed is None or set(peer.methods) == allowed, f"{name} has methods {peer.methods}"
        assert {"owner", "egov", "sms1414"} <= set(sandbox.peers), f"peers {sorted(sandbox.peers)}"
        for name, peer in sandbox.peers.items():
            assert Path(peer.signer.key_path).resolve() == (data / f"pki/{name}.key.pem").resolve(), "key is elsewhere"
            assert Path(peer.signer.cert_path).resolve() == (data / f"pki/{name}.cert.pem").resolve(), (
                "cert is elsewhere"
            )
    with checks.case("every behaviour has its subject"):
        seen = {each.behaviour for each in sandbox.subjects}
        assert seen == BEHAVIOURS, f"missing {BEHAVIOURS - seen}, unknown {seen - BEHAVIOURS}"
    with checks.case("the clock starts at host time and GET tells it"):
        assert abs(sandbox.clock_ahead) < 5, f"the clock is {sandbox.clock_ahead:.1f} s ahead"
        assert sandbox.get("/sandbox/clock") is not None
    with checks.case("the admin endpoints answer on the sandbox's listener"):
        for path in ("/health/live", "/health/ready", "/metrics"):
            with urllib.request.urlopen(f"http://127.0.0.1:{sandbox.port}{path}", timeout=10) as answer:
                assert answer.status == 200, f"{path}: {answer.status}"


def stopping(sandbox: Sandbox, log: Path, checks: Checks) -> None:
    checks.topic("stop")
    with checks.case("SIGTERM drains and exits with 0, and stdout was silent after ready"):
        code, rest = sandbox.stop()
        assert code == 0, f"exit code {code}"
        assert not rest, f"stdout said {len(rest)} more lines, the first: {rest[0]!r}"
    with checks.case("no IIN, phone or password is in the log"):
        text = log.read_text(errors="replace")
        secrets = {each.iin for each in sandbox.subjects} | {each.msisdn for each in sandbox.subjects if each.msisdn}
        secrets |= {each.password for each in sandbox.peers.values() if each.password}
        found = sum(secret in text for secret in secrets)
        assert not found, f"{found} secrets in the log"


if __name__ == "__main__":
    raise SystemExit(main())
