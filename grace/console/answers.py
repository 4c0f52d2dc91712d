"""What a governed door answered, as a form's answer: done, held for approval, or denied by policy."""

from typing import Any

from fastapi import Response

from grace.console.shell import see
from grace.kit import json


def told(answer: Any, path: str, done: str) -> Response:
    """Go to `path`, which tells what came of it; a denial is an answer too, and stays written down."""
    if not isinstance(answer, Response):
        return see(path, done)
    said = json.loads(bytes(answer.body))
    if answer.status_code == 202:
        return see(path, f"This waits for approval. {' '.join(said['reasons'])}")
    return see(path, f"Stopped by policy. {said['detail']}")
