"""Finds what Grace is made of: every module that declares doors, reactions, jobs, due work, actions or books.

A slice is picked up by the names of its files, so that adding one touches nothing here.
"""

import importlib
import pkgutil
from functools import cache
from types import ModuleType

import grace
from grace.kit.edge import Doors
from grace.trust.ledger.documents import Books

DECLARING = ("api", "pages", "jobs", "actions", "reactions", "books")


@cache
def load() -> tuple[ModuleType, ...]:
    """Import them all, in the order of their names."""
    names = sorted(
        info.name
        for info in pkgutil.walk_packages(grace.__path__, "grace.")
        if info.name.startswith(("grace.flows.", "grace.console."))
        or (info.name.rpartition(".")[2] in DECLARING and not info.name.startswith("grace.app."))
    )
    return tuple(importlib.import_module(name) for name in names)


def doors() -> list[Doors]:
    """The doors of every module."""
    return [value for module in load() for value in vars(module).values() if isinstance(value, Doors)]


def books() -> list[Books]:
    """What the documents of every slice ask of the ledger."""
    return [value for module in load() for value in vars(module).values() if isinstance(value, Books)]
