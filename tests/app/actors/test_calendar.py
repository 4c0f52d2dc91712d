"""Stories wake on their days, those that asked first before the others, and a failure ends all of them."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from grace.app.actors.calendar import Calendar

DAYS = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number) for number in range(8)]


def calendar(told: list[str]) -> Calendar:
    async def move(number: int, to: datetime) -> None:
        assert to == DAYS[number]
        told.append(f"day {number}")

    return Calendar(DAYS, move, abreast=2)


async def test_stories_act_on_their_days() -> None:
    told: list[str] = []
    made = calendar(told)

    async def story(name: str, *days: int, first: bool = False) -> None:
        for day in days:
            await made.until(day, first=first)
            await asyncio.sleep(0)
            told.append(f"{name} {made.today}")

    made.begin(story("late", 2, 5))
    made.begin(story("early", 2, 2, first=True))
    made.begin(story("never", 99))
    await made.run()
    assert told == ["day 2", "early 2", "late 2", "day 3", "early 3", "day 5", "late 5", "day 7"]


async def test_the_clock_waits_until_all_have_acted() -> None:
    told: list[str] = []
    made = calendar(told)

    async def story(number: int) -> None:
        await made.until(1)
        for _ in range(5 + number):
            await asyncio.sleep(0)
        told.append("acted")
        made.begin(child())

    async def child() -> None:
        await asyncio.sleep(0)
        told.append("child")

    for number in range(5):
        made.begin(story(number))
    await made.run()
    assert told[0] == "day 1" and told[-1] == "day 7"
    assert sorted(told[1:-1]) == ["acted"] * 5 + ["child"] * 5


async def test_a_failure_ends_the_others_and_is_raised() -> None:
    told: list[str] = []
    made = calendar(told)
    ended = []

    async def waits() -> None:
        try:
            await made.until(6)
        finally:
            ended.append("waits")

    async def fails() -> None:
        await made.until(2)
        raise ValueError("refused")

    made.begin(waits())
    made.begin(fails())
    with pytest.raises(ValueError, match="refused"):
        await made.run()
    assert told == ["day 2"] and ended == ["waits"]
