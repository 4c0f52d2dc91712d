"""How a state is marked wherever it is shown: a word, an icon, and the colour of what it means.

Colours: ok is money in or proven, warn waits for somebody, bad is late or refused, accent is on its way,
agent was done by an agent; the rest is plain.
"""

from typing import NamedTuple


class Mark(NamedTuple):
    """The colour's class, the icon's name, the word."""

    tone: str
    icon: str
    word: str


_MARKS: dict[str, Mark] = {
    # invoices and payments
    "draft": Mark("", "pencil", "Draft"),
    "issued": Mark("accent", "send", "Sent"),
    "sent": Mark("accent", "send", "Sent"),
    "pending": Mark("warn", "hourglass", "Pending"),
    "part_paid": Mark("warn", "hourglass", "Part paid"),
    "processing": Mark("warn", "hourglass", "Processing"),
    "overdue": Mark("bad", "clock-alert", "Late"),
    "paid": Mark("ok", "check", "Paid"),
    "succeeded": Mark("ok", "check", "Received"),
    "refunded": Mark("", "undo-2", "Refunded"),
    "part_refunded": Mark("", "undo-2", "Part refunded"),
    "reversed": Mark("", "undo-2", "Reversed"),
    "void": Mark("", "ban", "Void"),
    "failed": Mark("bad", "x", "Failed"),
    "unknown": Mark("warn", "circle-help", "Unknown"),
    # proposals and contracts
    "awaiting_approval": Mark("warn", "hourglass", "Waiting"),
    "accepted": Mark("ok", "check", "Accepted"),
    "declined": Mark("bad", "x", "Declined"),
    "expired": Mark("", "timer-off", "Expired"),
    "superseded": Mark("", "history", "Replaced"),
    "open": Mark("accent", "circle-dot", "Open"),
    "signed": Mark("ok", "check", "Signed"),
    # decisions
    "allowed": Mark("ok", "check", "Allowed"),
    "executed": Mark("ok", "check", "Done"),
    "denied": Mark("bad", "ban", "Denied"),
    "rejected": Mark("bad", "x", "Rejected"),
    "stale": Mark("", "timer-off", "Out of date"),
    # projects
    "planned": Mark("", "circle-dot", "Planned"),
    "in_progress": Mark("accent", "circle-dot", "In progress"),
    "active": Mark("accent", "circle-dot", "Active"),
    "delivered": Mark("ok", "package", "Delivered"),
    "completed": Mark("ok", "check", "Completed"),
    "cancelled": Mark("", "ban", "Cancelled"),
}


def mark(state: str) -> Mark:
    """The mark of a state; one that is new here shows its own name, plain."""
    return _MARKS.get(state.lower(), Mark("", "circle-dot", state.replace("_", " ").capitalize()))


def initials(name: str) -> str:
    """`AR` for Anika Rao: at most two letters, for the round mark of a person."""
    words = [word for word in name.split() if word[0].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper() or "?"
