"""Lists with Stripe's cursors, and search with its query language."""

import re
from typing import Any

from grace_sandbox.stripe.call import Call
from grace_sandbox.stripe.errors import Json, invalid, missing

DEFAULT_LIMIT = 10
MAX_LIMIT = 100
_COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def page(
    call: Call,
    type_: str,
    url: str,
    *,
    equal: tuple[str, ...] = (),
    where: str = "true",
    args: tuple[object, ...] = (),
) -> Json:
    """A page of objects, newest first. `equal` names parameters that filter a field of the same name."""
    clauses, values = [where], list(args)
    for name in equal:
        if name in call.params:
            clauses.append(f"data ->> '{name}' = ?")
            values.append(call.params[name])
    created = call.params.get("created", {})
    for name, bound in ({"": created} if isinstance(created, int) else created).items():
        clauses.append(f"created {_COMPARISONS.get(name, '=')} ?")
        values.append(bound)
    backwards = "ending_before" in call.params
    for cursor, sign in (("starting_after", "<"), ("ending_before", ">")):
        if cursor in call.params:
            position = call.store.sequence(call.account.name, call.params[cursor])
            if position is None:
                raise missing(type_, call.params[cursor], param=cursor)
            clauses.append(f"seq {sign} ?")
            values.append(position)
    limit = _limit(call)
    found = call.store.find(
        call.account.name, type_, " and ".join(clauses), *values, limit=limit + 1, oldest_first=backwards
    )
    data = found[:limit]
    return {
        "object": "list",
        "data": data[::-1] if backwards else data,
        "has_more": len(found) > limit,
        "url": url,
    }


def _limit(call: Call) -> int:
    limit: int = call.params.get("limit", DEFAULT_LIMIT)
    if not 1 <= limit <= MAX_LIMIT:
        raise invalid("Invalid limit: must be between 1 and 100.", param="limit", code="parameter_invalid_integer")
    return limit


_CLAUSE = re.compile(
    r"""\s*(?P<not>-)?(?P<field>[a-z_]+)(\[(?P<quote>["'])(?P<key>[^"']+)(?P=quote)\])?"""
    r"""(?P<op>:|~|>=|<=|>|<)\s*(?P<value>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|null|-?\d+)\s*"""
)


def search(call: Call, type_: str, url: str, *, fields: tuple[str, ...]) -> Json:
    """Objects that the `query` parameter describes; `fields` are those it may name, metadata always.

    Stripe's index lags about a minute behind; here a search sees everything that was written before it.
    """
    joiner, clauses, values = _read_query(call.params["query"], fields)
    page_ = call.params.get("page", "0")
    start = int(page_) if page_.isdecimal() else 0
    limit = _limit(call)
    found = call.store.find(call.account.name, type_, "(" + joiner.join(clauses) + ")", *values)
    rest = found[start:]
    more = len(rest) > limit
    return {"object": "search_result", "data": rest[:limit], "has_more": more,
            "next_page": str(start + limit) if more else None, "url": url}  # fmt: skip


def _read_query(query: str, fields: tuple[str, ...]) -> tuple[str, list[str], list[Any]]:
    clauses, values, joiners, position = [], [], set(), 0
    while True:
        match = _CLAUSE.match(query, position)
        if match is None or (match["field"] == "metadata") != (match["key"] is not None):
            raise invalid("We were unable to parse your search query.", param="query")
        if match["field"] not in (*fields, "metadata"):
            raise invalid(f"Field `{match['field']}` is an unsupported search field for this resource.", param="query")
        clause, arguments = _clause(match)
        clauses.append(clause)
        values.extend(arguments)
        position = match.end()
        if position == len(query):
            break
        joiner = re.compile(r"(?:(AND|OR)\s+)?", re.I).match(query, position)
        assert joiner is not None
        joiners.add((joiner[1] or "AND").upper())
        position = joiner.end()
    if len(joiners) > 1:
        raise invalid("Search queries cannot combine AND and OR.", param="query")
    return f" {(joiners or {'AND'}).pop()} ", clauses, values


def _clause(match: re.Match[str]) -> tuple[str, list[Any]]:
    if match["key"] is not None:
        column, head = "data -> 'metadata' ->> ?", [match["key"]]
    else:
        column, head = f"data ->> '{match['field']}'", []
    raw = match["value"]
    if raw == "null":
        clause, tail = f"{column} is null", []
    else:
        text = re.sub(r"\\(.)", r"\1", raw[1:-1]) if raw[0] in "\"'" else raw
        if match["op"] in (":", "~"):
            clause = f"cast({column} as text) = ? collate nocase"
            if match["op"] == "~":
                clause = f"instr(lower({column}), lower(?)) > 0"
            tail = [text]
        else:
            clause, tail = f"cast({column} as integer) {match['op']} cast(? as integer)", [text]
    return (f"not coalesce({clause}, false)" if match["not"] else clause), [*head, *tail]
