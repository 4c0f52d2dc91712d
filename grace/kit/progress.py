"""How long reading says how far it has come."""

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Hears how much of how much is done."""


def unheard(done: int, total: int) -> None:
    """Nobody listens."""
