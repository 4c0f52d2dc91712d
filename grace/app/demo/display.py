"""What the demo shows: one line per step, a bar, and why it waits."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

QUIET_S = 1.0
"""So long a request may take without a word about it."""


@dataclass
class Step:
    """One step of the job: the id of what came of it, a few words on it, when it was done and how long it took."""

    name: str
    id: str = ""
    note: str = ""
    at: str = ""
    seconds: float = 0.0


@dataclass
class Display:
    """Steps as they are done."""

    console: Console
    total: int
    steps: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the bar; it shows nothing where there is no terminal."""
        self._progress = Progress(
            SpinnerColumn(),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self._bar = self._progress.add_task("", total=self.total)
        self._doing = ""
        self._told = 0.0

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the bar for the time of the block."""
        with self._progress:
            yield

    @contextmanager
    def step(self, name: str, doing: str) -> Iterator[Step]:
        """Do one step; a line says that it is done, with what the block put into the step."""
        step, started = Step(name), time.monotonic()
        self._doing = doing
        self._progress.update(self._bar, description=doing)
        yield step
        step.at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        step.seconds = round(time.monotonic() - started, 3)
        self.steps.append(step)
        self._progress.update(self._bar, advance=1, description="")
        said = f"  [green]✓[/] {doing:<44} [dim]{step.seconds:5.2f} s[/]  {step.note}"
        self._progress.console.print(said, soft_wrap=True, highlight=False)

    def waiting(self, why: str, waited_s: float) -> None:
        """Say why a request is repeated, at most once a second."""
        if waited_s < QUIET_S or time.monotonic() - self._told < QUIET_S:
            return
        self._told = time.monotonic()
        self._progress.update(self._bar, description=f"{self._doing}: {why}")
        if not self.console.is_terminal:
            self.console.print(f"  … {self._doing}: {why} Trying again ({waited_s:.0f} s).", highlight=False)

    def say(self, line: str = "") -> None:
        """A line of its own."""
        self._progress.console.print(line, soft_wrap=True, highlight=False)
