"""The vectors of calendar.md through KDP_REVOKE: deadline, skipped days, and the default at their end."""

from __future__ import annotations

import tempfile
from datetime import date, datetime, time, timedelta
from pathlib import Path

from check import Checks
from command import Command
from kdp_client import World
from sandbox import Sandbox
from service_client import Parties, check_by_code, granted, jti_of, revocation_state, revoke
from workdays import ASTANA, VECTORS, end_of, skipped


def run_alone(binary: Path, folder: Path, checks: Checks) -> None:
    """Each vector in a sandbox of its own: the clock goes back to the day of filing."""
    checks.topic("deadline, vectors")
    for filed, due in VECTORS.items():
        with tempfile.TemporaryDirectory(dir=folder) as place:
            data = Path(place) / "data"
            with Sandbox(binary, data, folder / "log") as sandbox:
                through_the_service(World(sandbox, data), checks, filed, due)
            by_command(Command(binary, data), checks, filed, due)


def through_the_service(world: World, checks: Checks, filed: date, due: date) -> None:
    sandbox = world.sandbox
    with checks.case(f"filed {filed}: due {due}, its skipped days named, lapsed at 24:00 of that day"):
        sandbox.set_clock(datetime.combine(filed, time(10), ASTANA))
        parties = Parties(world)
        uin = sandbox.subject("yes").iin
        reply = granted(world.through_shep, uin, world.services)
        answer = revoke(parties.egov, uin, jti_of(reply.token))
        assert answer.must("deadline") == due.isoformat(), f"deadline {answer.must('deadline')}"
        days = [date.fromisoformat(each.text or "") for each in answer.all("skipped_days/day/date")]
        assert days == skipped(filed, due), f"skipped {sorted(set(days) ^ set(skipped(filed, due)))} differ"
        reasons = [each.text or "" for each in answer.all("skipped_days/day/reason")]
        for day, reason in zip(days, reasons, strict=True):
            plain = reason.lower() in {"суббота", "воскресенье"}
            assert reason and not (plain and day.weekday() < 5), f"{day} is off for «{reason}»"
        application = answer.must("application_id")
        sandbox.set_clock(end_of(due) - timedelta(seconds=2))
        assert revocation_state(parties.egov, application).must("state") == "open", "ended early"
        sandbox.set_clock(end_of(due) + timedelta(seconds=1))
        assert revocation_state(parties.egov, application).must("state") == "lapsed", "did not lapse"
        for moment, status in ((end_of(due) - timedelta(milliseconds=1), "active"), (end_of(due), "not-active")):
            told = check_by_code(
                parties.owner, reply.token, world.services[0], requested_at=moment.isoformat(timespec="milliseconds")
            )
            assert told.must("status") == status, f"{told.must('status')} at {moment}"


def by_command(command: Command, checks: Checks, filed: date, due: date) -> None:
    with checks.case(f"kdp calendar due --from {filed}: first line {due}, then each skipped day"):
        done = command.plain("calendar", "due", "--from", filed.isoformat(), "--working-days", "15")
        lines = done.splitlines()
        assert lines[0] == due.isoformat(), f"first line {lines[0]!r}"
        days = skipped(filed, due)
        named = [line for line in lines[1:] if not line.startswith("provisional")]
        assert len(named) == len(days), f"{len(named)} lines, {len(days)} skipped days"
        for line, day in zip(named, days, strict=True):
            assert day.isoformat() in line and len(line) > len("2026-01-01 "), f"line {line!r}"
        provisional = any(line.startswith("provisional") for line in lines)
        assert provisional == (due.year > 2026), "provisional or not"
