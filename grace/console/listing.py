"""What an address asks of a list: its order, its filters, and the addresses that change one of them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import Request

from grace.kit.json import check_text

MOST_TEXT = 256


@dataclass(frozen=True, slots=True)
class Listing:
    """The order and the filters of a list at `path`; what the address says and the list does not know is left out."""

    path: str
    sort: str
    usual: str
    q: str
    filters: Mapping[str, str]

    @classmethod
    def of(
        cls, request: Request, path: str, *, sorts: Collection[str], usual: str, filters: Collection[str] = ()
    ) -> "Listing":
        """From the address that was asked for."""
        query = request.query_params
        sort, q = query.get("sort", usual), query.get("q", "").strip()[:MOST_TEXT]
        found = {name: query[name][:MOST_TEXT] for name in filters if query.get(name)}
        for text in (q, *found.values()):
            check_text(text)
        return cls(path, sort if sort.removeprefix("-") in sorts else usual, usual, q, found)

    @property
    def is_filtered(self) -> bool:
        """Whether it shows less than everything."""
        return bool(self.q or self.filters)

    @property
    def here(self) -> str:
        """The address of its first page as it is ordered and filtered."""
        return self._at(self.sort)

    def sorted_by(self, name: str) -> str:
        """The address in the order of `name`, the largest first; the other way round if it is that already."""
        return self._at(name if self.sort == f"-{name}" else f"-{name}")

    def direction(self, name: str) -> str:
        """How it is ordered by `name`, as `aria-sort` says it; empty when it is not."""
        return {name: "ascending", f"-{name}": "descending"}.get(self.sort, "")

    def _at(self, sort: str) -> str:
        asked = {**({} if sort == self.usual else {"sort": sort}), **({"q": self.q} if self.q else {}), **self.filters}
        return f"{self.path}?{urlencode(asked)}" if asked else self.path
