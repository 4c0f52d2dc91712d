"""What `grace doctor` prints."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from grace.app.doctor.findings import Finding

MARKS = {"fine": "ok     ", "notice": "notice ", "problem": "PROBLEM"}


def as_object(findings: Sequence[Finding]) -> dict[str, Any]:
    """For programs; `ok` is false when there is a problem."""
    problems = sum(one.state == "problem" for one in findings)
    return {"ok": problems == 0, "problems": problems, "findings": [asdict(one) for one in findings]}


def as_text(findings: Sequence[Finding]) -> str:
    """For people: what is wrong last, where it is read first."""
    lines = []
    for one in sorted(findings, key=lambda one: list(MARKS).index(one.state)):
        place = f" [{one.workspace}]" if one.workspace else ""
        lines.append(f"{MARKS[one.state]} {one.check}{place}: {one.found}")
        if one.state != "fine":
            lines += [f"          why: {one.why}", f"          do:  {one.cure}"]
    problems = sum(one.state == "problem" for one in findings)
    lines.append("No problem was found." if not problems else f"{problems} problem{'s' * (problems > 1)} found.")
    return "\n".join(lines)
