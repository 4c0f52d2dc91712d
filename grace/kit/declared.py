"""What a door says of itself in the contract, beside its model: what it takes, what else it answers."""

from collections.abc import Mapping
from typing import Any

from grace.kit.web import Held

PAGE = "text/html"


def answers(held: bool | type[Held], gives: tuple[str, ...], paged: bool) -> Mapping[int | str, dict[str, Any]]:
    """What the contract says of a door's answers beside its model; refusals are the application's (`4XX`)."""
    media: dict[str, dict[str, Any]] = {name: {} for name in (*gives, PAGE if paged else None) if name}
    found: dict[int | str, dict[str, Any]] = {"4XX": {"description": "Refused; nothing happened."}}
    if media:
        found[200] = {"content": media}
    if held:
        found[202] = {"model": Held if held is True else held, "description": "Waits for approval or a provider."}
    return found


def takes(media: str) -> dict[str, Any]:
    """The body of a door that takes a file of this media type."""
    file = {"type": "string", "format": "binary"}
    return {"requestBody": {"required": True, "content": {media: {"schema": file}}}}
