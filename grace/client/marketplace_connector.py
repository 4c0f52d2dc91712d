"""The calls on the marketplace. This release of the server has no doors for them, so there is none here yet."""

from typing import NoReturn


def __getattr__(name: str) -> NoReturn:
    raise AttributeError(f"marketplace_connector.{name}: this release of Grace has no marketplace yet.")
