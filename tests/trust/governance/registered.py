"""Every action that the product registers, and facts of each type."""

import importlib
import pkgutil
from typing import Any

import grace
from grace.trust.governance import registry
from grace.trust.governance.registry import ActionKind

SAMPLE: dict[type[Any], object] = {int: 1, str: "none", bool: False, frozenset[str]: frozenset({"a"})}


def all_kinds() -> list[ActionKind]:
    """The actions of all slices: each registers its own when its `actions` module is imported."""
    for module in pkgutil.walk_packages(grace.__path__, "grace."):
        if module.name.split(".")[-1] == "actions" or ".actions." in module.name:
            importlib.import_module(module.name)
    return [kind for kind in registry.registered() if kind.cls.__module__.startswith("grace.")]
