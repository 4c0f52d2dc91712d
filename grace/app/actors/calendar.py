"""A calendar of a test workspace: many stories wait for their days, and the clock moves when all of them wait.

    calendar = Calendar(days, move)
    calendar.begin(story(calendar))
    await calendar.run()

A story is a coroutine that acts, says `await calendar.until(day)`, and acts on. Those that wake on the same day act
side by side, at most `abreast` at once, those that asked to come first before the others; what a day needs of the
days before has happened, for the clock's move settles it. So what comes of the stories does not hang on who is quick.
"""

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import datetime
from itertools import count
from typing import Any

ABREAST = 5

Move = Callable[[int, datetime], Awaitable[None]]
"""Moves the workspace's time to that day (its number and its time) and answers when nothing is left to do then."""


class Calendar:
    """Days by their number, stories that wait for them."""

    def __init__(self, days: Sequence[datetime], move: Move, *, abreast: int = ABREAST) -> None:
        self.days = days
        self.today = 0
        self._move = move
        self._abreast = asyncio.Semaphore(abreast)
        self._waiting: list[tuple[int, bool, int, asyncio.Future[None]]] = []
        self._numbers = count()
        self._stories: set[asyncio.Task[None]] = set()
        self._acting = 0
        self._quiet = asyncio.Event()
        self._failure: BaseException | None = None

    @property
    def last(self) -> int:
        """The number of the last day."""
        return len(self.days) - 1

    def begin(self, story: Coroutine[Any, Any, None]) -> None:
        """Let a story act from today on, beside the others."""
        self._acting += 1
        task = asyncio.create_task(self._told(story))
        self._stories.add(task)
        task.add_done_callback(self._stories.discard)

    async def until(self, day: int, *, first: bool = False) -> None:
        """Wait for a day; for the next one if it is today or past. A day after the last never comes."""
        wake = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (max(day, self.today + 1), not first, next(self._numbers), wake))
        self._abreast.release()
        self._rest()
        try:
            await wake
        finally:
            await self._abreast.acquire()

    async def run(self) -> None:
        """Until the last day has passed; the first failure of a story ends all and is raised."""
        try:
            await self._settle()
            while self.today < self.last:
                await self._turn()
        finally:
            for task in list(self._stories):
                task.cancel()
            await asyncio.gather(*self._stories, return_exceptions=True)

    async def _turn(self) -> None:
        """The next day on which anything is to be done, or the last one."""
        self.today = min(self.last, self._waiting[0][0] if self._waiting else self.last)
        await self._move(self.today, self.days[self.today])
        while self._waiting and self._waiting[0][0] <= self.today:
            due = self._waiting[0][:2]
            while self._waiting and self._waiting[0][:2] == due:
                self._acting += 1
                heapq.heappop(self._waiting)[3].set_result(None)
            await self._settle()

    async def _told(self, story: Coroutine[Any, Any, None]) -> None:
        try:
            async with self._abreast:
                await story
        except BaseException as error:  # told to `run`, also when it is no Exception
            if not isinstance(error, asyncio.CancelledError):
                self._failure = self._failure or error
        finally:
            self._rest()

    def _rest(self) -> None:
        self._acting -= 1
        if self._acting <= 0 or self._failure is not None:
            self._quiet.set()

    async def _settle(self) -> None:
        """Wait until no story acts."""
        while self._acting > 0 and self._failure is None:
            self._quiet.clear()
            await self._quiet.wait()
        if self._failure is not None:
            raise self._failure
