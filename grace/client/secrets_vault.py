"""The calls on the vault. This release of the server has no doors for them, so there is none here yet."""

from typing import NoReturn


def __getattr__(name: str) -> NoReturn:
    raise AttributeError(f"secrets_vault.{name}: this release of Grace has no vault yet.")
