"""Every setting is listed in .env.example with its meaning and default, and nothing else is."""

import re
from pathlib import Path
from typing import Any

from pydantic import AliasChoices, SecretStr

from grace.kit.settings import CLIENT_ONLY, Settings, known_names

EXAMPLE = Path(__file__).parents[2] / ".env.example"


def listed() -> dict[str, tuple[str, str]]:
    """Name → (what is written as its value, the comment above it)."""
    pairs = re.findall(r"^((?:# .+\n)+)#?(\w+)=(.*)$", EXAMPLE.read_text(), re.MULTILINE)
    return {name: (value, re.sub(r"\n?# ", " ", comment).strip()) for comment, name, value in pairs}


def shown(default: Any) -> str:
    if isinstance(default, SecretStr):
        return default.get_secret_value()
    if isinstance(default, bool):
        return str(default).lower()
    return "" if default is None else str(default)


def test_the_example_lists_all_settings() -> None:
    found = listed()
    names = set()
    for field in Settings.model_fields.values():
        assert isinstance(field.validation_alias, AliasChoices)
        name, *aliases = map(str, field.validation_alias.choices)
        names.add(name)
        assert name.startswith("GRACE_")
        assert name in found, f"{name} is missing in .env.example"
        value, comment = found[name]
        assert value == shown(field.default), name
        assert (field.description or "") in comment, name
        assert all(alias in comment for alias in aliases), name
    assert set(found) == names | CLIENT_ONLY


def test_the_example_can_be_used_as_it_is(tmp_path: Path) -> None:
    copied = tmp_path / ".env"
    copied.write_text(re.sub(r"^#(?=\w+=)", "", EXAMPLE.read_text(), flags=re.MULTILINE))
    assert Settings(_env_file=copied) == Settings(_env_file=None)
    assert known_names().isdisjoint(CLIENT_ONLY)
