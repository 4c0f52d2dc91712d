"""Facts: what happened, in the past tense, stored in the transaction that made it true.

A fact is a frozen dataclass of plain fields. Its `topic` is the noun that browsers watch, its subject the
value of its first field, its version that noun's version where it has one.
"""

from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Self

from grace.kit import json


@dataclass(frozen=True, slots=True)
class StoredFact:
    """A fact as its row holds it."""

    kind: str
    topic: str
    subject: str
    version: int | None
    data: str


@dataclass(frozen=True)
class Fact:
    """Subclass, name in the past tense, set `topic`; fields must have a JSON form."""

    topic: ClassVar[str]
    kinds: ClassVar[dict[str, type["Fact"]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        known = Fact.kinds.setdefault(cls.__name__, cls)
        if (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(f"two facts are called {cls.__name__}")
        Fact.kinds[cls.__name__] = cls

    def stored(self) -> StoredFact:
        """The row's columns."""
        data = asdict(self)
        subject = str(data[fields(self)[0].name])
        version = data.get("version")
        return StoredFact(type(self).__name__, self.topic, subject, version, json.dumps(data))

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Self:
        """From a row's data; fields that a later version dropped are ignored."""
        known = {f.name for f in fields(cls)}
        return cls(**{name: value for name, value in data.items() if name in known})
