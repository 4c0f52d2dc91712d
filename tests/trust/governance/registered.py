"""Every action that the product registers, and facts of each type."""

from typing import Any

from grace.app import modules
from grace.trust.governance import registry
from grace.trust.governance.registry import ActionKind

SAMPLE: dict[type[Any], object] = {int: 1, str: "none", bool: False, frozenset[str]: frozenset({"a"})}


def all_kinds() -> list[ActionKind]:
    """The actions of all slices: each registers its own when its `actions` module is imported."""
    modules.load()
    return [kind for kind in registry.registered() if kind.cls.__module__.startswith("grace.")]
