"""Errors of the audit log."""


class LogRewound(Exception):
    """The log no longer continues what was signed before: entries or checkpoints are gone or changed.

    Sealing stops, because a second signature over another history would hide it. Verify the log; after a
    deliberate restore of an old backup move the checkpoint file aside.
    """


class NoLog(ValueError):
    """There is nothing to export: no entry was ever recorded here."""
