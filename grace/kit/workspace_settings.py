"""Settings of a workspace: what its business decides for itself, each a named document with a schema.

A module declares `ISSUER = setting("issuer", Issuer)` where every field of the schema has a default, and reads
it with `await ISSUER.read(tx)`. They are changed at the doors of `flows/settings`.
"""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from grace.kit import json
from grace.kit.tx import Tx
from grace.kit.web import Body

V = TypeVar("V", bound=Body)


@dataclass(frozen=True, slots=True)
class WorkspaceSetting(Generic[V]):
    """A name and the schema of what is stored under it."""

    name: str
    schema: type[V]

    async def read(self, tx: Tx) -> V:
        """What is stored, or the defaults; fields that a later version dropped are ignored."""
        return self.read_from(await tx.value("select value from setting where name = %(name)s", name=self.name))

    def read_from(self, value: dict[str, Any] | None) -> V:
        """The same, from what was stored under the name."""
        known = {name: item for name, item in (value or {}).items() if name in self.schema.model_fields}
        return self.schema.model_validate(known)

    async def write(self, tx: Tx, value: V) -> None:
        """Store the whole value."""
        await tx.execute(
            "insert into setting (name, value, updated_at) values (%(name)s, %(value)s::jsonb, %(now)s)"
            " on conflict (name) do update set value = excluded.value, updated_at = excluded.updated_at",
            name=self.name,
            value=json.dumps(value),
            now=tx.now,
        )


_settings: dict[str, WorkspaceSetting[Any]] = {}


def setting(name: str, schema: type[V]) -> WorkspaceSetting[V]:
    """Declare a setting."""
    if name in _settings:
        raise TypeError(f"two settings are called {name}")
    _settings[name] = declared = WorkspaceSetting(name, schema)
    return declared


def declared() -> dict[str, WorkspaceSetting[Any]]:
    """Every setting by name."""
    return dict(sorted(_settings.items()))
