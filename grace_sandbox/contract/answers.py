"""Checks answers against the SDK's object types: wrong types, missing and unknown fields. Used by tests."""

from typing import Any

from grace_sandbox.contract.source import (
    Choice,
    Enum,
    Items,
    Keyed,
    Listing,
    Scalar,
    Struct,
    Type,
    fields,
    sdk_file,
)

_SCALARS: dict[str, tuple[type, ...]] = {
    "str": (str,), "int": (int,), "float": (int, float, str), "bool": (bool,), "null": (type(None),),
}  # fmt: skip


def object_type(name: str) -> Struct:
    """The class of an object by its `object` field, such as `payment_intent`; LookupError when unknown."""
    module = f"stripe._{name}"
    if not sdk_file(module).exists():
        raise LookupError(f"the installed SDK has no object {name}")
    return Struct(module, "".join(part.capitalize() for part in name.split("_")))


def check_answer(value: Any, type_: Type, *, strict: bool = True, at: str = "$") -> list[str]:
    """What is wrong with `value`, as lines `path: complaint`; empty when it fits.

    A field that the SDK does not type as optional must be present and not null. With `strict`, a field that
    the SDK does not know and an enum value outside its list are complaints too.
    """
    match type_:
        case Scalar(kind="any"):
            return []
        case Scalar(kind=kind):
            fits = isinstance(value, _SCALARS[kind]) and not (kind != "bool" and isinstance(value, bool))
            return [] if fits else [f"{at}: {value!r:.60} is not {kind}"]
        case Enum(values=values):
            return [] if value in values else [f"{at}: {value!r:.60} is not one of the enum"]
        case Items(of=of):
            if not isinstance(value, list):
                return [f"{at}: not a list"]
            return [line for i, item in enumerate(value) for line in _deeper(item, of, strict, f"{at}[{i}]")]
        case Keyed(of=of):
            if not isinstance(value, dict):
                return [f"{at}: not a hash"]
            return [line for key, item in value.items() for line in _deeper(item, of, strict, f"{at}.{key}")]
        case Listing():
            return _check_listing(value, type_, strict, at)
        case Struct():
            return _check_struct(value, type_, strict, at)
        case Choice(options=options):
            return _check_choice(value, options, strict, at)


def _deeper(value: Any, type_: Type, strict: bool, at: str) -> list[str]:
    return check_answer(value, type_, strict=strict, at=at)


def _check_struct(value: Any, struct: Struct, strict: bool, at: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{at}: not a {struct.scope}"]
    declared = fields(struct)
    if value.get("deleted") is True and "deleted" in declared:
        declared = {key: declared[key] for key in ("id", "object", "deleted")}
    found = [f"{at}.{key}: missing" for key, field in declared.items() if field.required and key not in value]
    for key, item in value.items():
        if key in declared:
            found += check_answer(item, declared[key].type, strict=strict, at=f"{at}.{key}")
        elif strict:
            found.append(f"{at}.{key}: not a field of {struct.scope}")
    return found


def _check_listing(value: Any, listing: Listing, strict: bool, at: str) -> list[str]:
    name = "search_result" if listing.search else "list"
    if not isinstance(value, dict) or value.get("object") != name:
        return [f"{at}: not a {name}"]
    wanted = {"object", "data", "has_more", "url"} | ({"next_page"} if listing.search else set())
    found = [f"{at}.{key}: missing" for key in sorted(wanted - value.keys())]
    if strict:
        found += [f"{at}.{key}: not a field of a {name}" for key in sorted(value.keys() - wanted)]
    return found + _deeper(value.get("data"), Items(listing.of), strict, f"{at}.data")


def _check_choice(value: Any, options: tuple[Type, ...], strict: bool, at: str) -> list[str]:
    if value is None:
        return [] if Scalar("null") in options else [f"{at}: null"]
    enums = [option for option in options if isinstance(option, Enum)]
    tried = [option for option in options if not (strict and enums and option == Scalar("str"))]
    complaints = [check_answer(value, option, strict=strict, at=at) for option in tried if option != Scalar("null")]
    if any(not lines for lines in complaints):
        return []
    return max(complaints, key=lambda lines: max(len(line.split(":")[0]) for line in lines))
