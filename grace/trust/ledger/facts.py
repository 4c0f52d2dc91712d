"""What happened in the ledger."""

from dataclasses import dataclass
from typing import ClassVar

from grace.kit.facts import Fact


@dataclass(frozen=True, slots=True)
class HoldExpired(Fact):
    """A hold ran out before it was settled; its money is free again."""

    topic: ClassVar[str] = "ledger_hold"

    reference: str
