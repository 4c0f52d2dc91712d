"""Write docs/errors.md from what `grace.app.problems` knows: `python scripts/errors.py`."""

from pathlib import Path

from grace.app.problems import PROBLEMS

PAGE = Path(__file__).parents[1] / "docs" / "errors.md"
HEAD = """# Errors

A refusal is an RFC 9457 problem document. Its `type` is stable and stands here (a running Grace shows the same at that
address: `/problems/invalid-amount`), `detail` is a sentence for a person, `request_id` is what the log knows it by;
further members are named below. A refusal means that nothing happened; `action-denied` alone is kept, as a decision.
An answer with `Retry-After` may be asked for again with the same Idempotency-Key.

This page is written by `scripts/errors.py`.
"""


def text() -> str:
    """The document."""
    parts = [HEAD]
    for status in sorted({known.status for known in PROBLEMS.values()}):
        parts.append(f"\n## {status}\n")
        for name, known in sorted(PROBLEMS.items()):
            if known.status == status:
                parts.append(f"\n### {name}\n{known.cause}\n\n**What to do.** {known.cure}\n")
    return "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(text())
