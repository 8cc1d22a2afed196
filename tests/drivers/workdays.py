"""Working days of Kazakhstan, counted from calendar.md alone: the oracle of the deadlines."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

ASTANA = timezone(timedelta(hours=5))
DAY = timedelta(days=1)

# Days off on weekdays, as the table of calendar.md has them.
OFF = {
    2024: "1-1 1-2 3-8 3-21 3-22 3-25 5-1 5-7 5-8 5-9 7-8 8-30 10-25 12-16",
    2025: "1-1 1-2 1-3 1-7 3-10 3-21 3-24 3-25 5-1 5-7 5-9 6-6 7-7 9-1 10-27 12-16",
    2026: "1-1 1-2 1-7 3-9 3-23 3-24 3-25 5-1 5-7 5-11 5-27 7-6 10-26 12-16",
}
WORKING_WEEKENDS = {date(2024, 5, 4), date(2025, 1, 5)}
# For years without a table: holidays, which move from a weekend, and days off, which do not.
HOLIDAYS = (
    (1, 1),
    (1, 2),
    (3, 8),
    (3, 15),
    (3, 21),
    (3, 22),
    (3, 23),
    (5, 1),
    (5, 7),
    (5, 9),
    (7, 6),
    (10, 25),
    (12, 16),
)
KURBAN = {2027: date(2027, 5, 16), 2028: date(2028, 5, 5)}

# Filed, due: 15 working days.
VECTORS = {
    date(2026, 3, 5): date(2026, 4, 1),
    date(2024, 4, 22): date(2024, 5, 16),
    date(2024, 12, 20): date(2025, 1, 15),
    date(2026, 8, 14): date(2026, 9, 4),
    date(2026, 2, 24): date(2026, 3, 18),
    date(2026, 10, 5): date(2026, 10, 27),
    date(2026, 12, 14): date(2027, 1, 8),
}


def off_days(year: int) -> set[date]:
    if year in OFF:
        return {date(year, *map(int, text.split("-"))) for text in OFF[year].split()}
    days = {date(year, 1, 7)} | ({KURBAN[year]} if year in KURBAN else set())
    holidays = {date(year, *each) for each in HOLIDAYS}
    for holiday in sorted(holidays):
        moved = holiday
        while moved.weekday() >= 5 or (moved != holiday and moved in holidays | days):
            moved += DAY
        days.add(moved)
    return days


def works(day: date) -> bool:
    if day in WORKING_WEEKENDS:
        return True
    return day.weekday() < 5 and day not in off_days(day.year)


def due(filed: date, working_days: int = 15) -> date:
    """Day 1 is the first working day after filing."""
    day = filed
    while working_days:
        day += DAY
        working_days -= works(day)
    return day


def skipped(filed: date, last: date) -> list[date]:
    days = (filed + DAY * at for at in range(1, (last - filed).days + 1))
    return [day for day in days if not works(day)]


def end_of(day: date) -> datetime:
    """24:00 of that day in Astana."""
    return datetime.combine(day + DAY, datetime.min.time(), ASTANA)


for _filed, _due in VECTORS.items():
    assert due(_filed) == _due, f"the oracle disagrees with the vector of {_filed}: {due(_filed)}"
