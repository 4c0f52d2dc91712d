"""The policy that Grace ships: readable text in `policies/`, each file's cases beside it."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from grace.trust.governance.cedar import TYPES, ActionShape


@dataclass(frozen=True, slots=True)
class Shipped:
    """`text` of all files in the order of their names, all `cases`, and the `shapes` that they rely on."""

    text: str
    cases: list[dict[str, Any]]
    shapes: dict[str, ActionShape]


@cache
def shipped() -> Shipped:
    """Read the shipped files once."""
    folder = files("grace.trust.governance") / "policies"
    texts: list[str] = []
    cases: list[dict[str, Any]] = []
    shapes: dict[str, ActionShape] = {}
    types = {name: type_ for type_, name in TYPES.items()}
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if path.name.endswith(".cedar"):
            texts.append(path.read_text("utf-8"))
        elif path.name.endswith(".test.toml"):
            tests = tomllib.loads(path.read_text("utf-8"))
            attributes = {name: types[type_] for name, type_ in tests["context"].items()}
            shapes[tests["action"]] = ActionShape(tests["action"], tests["effect"], attributes)
            cases += [{"action": tests["action"], **case} for case in tests["case"]]
    return Shipped("\n".join(texts), cases, shapes)
