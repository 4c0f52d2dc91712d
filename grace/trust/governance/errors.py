"""What governance refuses; raising one means that nothing happened."""

from grace.kit.errors import Conflict, Forbidden, Invalid


class UnreadableQuorum(ValueError):
    """A `@quorum` that says nothing countable: zero, missing, or not in the notation."""


class NoVote(Forbidden):
    """The caller may not vote on this decision; the detail says why."""

    slug = "no-vote"


class DecisionClosed(Conflict):
    """The decision has ended; an end is never changed."""

    slug = "decision-closed"


class UnsoundPolicy(Invalid):
    """The policy text cannot be activated; `findings` lists what is wrong."""

    slug = "unsound-policy"
