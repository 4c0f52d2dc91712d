"""Time zones by their IANA names: times are kept in UTC and shown in the zone of the business."""

import zoneinfo
from datetime import UTC, tzinfo
from functools import cache

from grace.kit.errors import Invalid

_PLACES = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


@cache
def zone(name: str) -> tzinfo:
    """The zone of that name; UTC where this machine's list no longer has it."""
    if name == "UTC":
        return UTC
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


@cache
def names() -> tuple[str, ...]:
    """The zones to choose from: UTC and the places of the world."""
    known = zoneinfo.available_timezones()
    return ("UTC", *sorted(name for name in known if name.partition("/")[0] in _PLACES))


def check_zone(name: str) -> str:
    """The name as it is written in the list; Invalid for one that is not there."""
    found = next((known for known in names() if known.lower() == name.lower()), None)
    if found is None:
        what = "This is no time zone; they are written like Europe/Berlin"
        raise Invalid(
            f"{name!r} is no time zone. They are written like 'Europe/Berlin'.",
            errors=[{"at": "time_zone", "what": what}],
        )
    return found
