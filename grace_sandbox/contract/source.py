"""Reads types out of the SDK's source text, one module at a time, without importing the SDK (which costs 40
MB).

A type is a small tree: `Scalar`, `Enum`, `Items`, `Keyed`, `Struct`, `Choice`. A `Struct` names a class;
its fields are read when they are first asked for, so that only operations in use are ever parsed.
"""

import ast
import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Scalar:
    """`str`, `int`, `float`, `bool`, `null` or `any`."""

    kind: str


@dataclass(frozen=True, slots=True)
class Enum:
    values: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Items:
    of: "Type"


@dataclass(frozen=True, slots=True)
class Keyed:
    """A hash with free keys, such as metadata."""

    of: "Type"


@dataclass(frozen=True, slots=True)
class Struct:
    """A class of the SDK: `scope` is its dotted name inside the module."""

    module: str
    scope: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Stripe's `list` or `search_result` envelope."""

    of: "Type"
    search: bool


@dataclass(frozen=True, slots=True)
class Choice:
    options: tuple["Type", ...]


Type = Scalar | Enum | Items | Keyed | Struct | Listing | Choice


@dataclass(frozen=True, slots=True)
class Field:
    type: Type
    required: bool


ANY = Scalar("any")
_NAMED = {"str": Scalar("str"), "int": Scalar("int"), "float": Scalar("float"), "bool": Scalar("bool"),
          "Decimal": Scalar("float"), "Any": ANY, "object": ANY, "None": Scalar("null")}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Module:
    classes: dict[str, ast.ClassDef]
    imports: dict[str, tuple[str, str]]


@cache
def sdk_root() -> Path:
    """The folder that holds the installed `stripe` package; raises LookupError when it is not installed."""
    spec = importlib.util.find_spec("stripe")
    if spec is None or spec.origin is None:
        raise LookupError("the stripe package is not installed")
    return Path(spec.origin).parent.parent


def sdk_file(module: str) -> Path:
    path = sdk_root() / Path(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def imports_of(tree: ast.Module) -> dict[str, tuple[str, str]]:
    """Local name to (module, name), those under TYPE_CHECKING included."""
    found = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module)
    return {a.asname or a.name: (node.module or "", a.name) for node in found for a in node.names}


@cache
def _module(module: str) -> _Module:
    tree = ast.parse(sdk_file(module).read_text(encoding="utf-8"))
    classes: dict[str, ast.ClassDef] = {}

    def collect(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef):
                classes[prefix + node.name] = node
                collect(node.body, f"{prefix}{node.name}.")

    collect(tree.body, "")
    return _Module(classes, imports_of(tree))


@cache
def fields(struct: Struct) -> dict[str, Field]:
    """The declared fields of a class, request options and class constants left out."""
    node = _module(struct.module).classes[struct.scope]
    declared: dict[str, Field] = {}
    for item in node.body:
        if not isinstance(item, ast.AnnAssign) or not isinstance(item.target, ast.Name):
            continue
        annotation, required = _unwrap(item.annotation)
        if annotation is not None:
            type_ = read_type(annotation, struct.module, struct.scope)
            nullable = isinstance(type_, Choice) and Scalar("null") in type_.options
            declared[item.target.id] = Field(type_, required and not nullable)
    return declared


def _unwrap(node: ast.expr) -> tuple[ast.expr | None, bool]:
    """Strips NotRequired; None for a ClassVar."""
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        if node.value.id == "ClassVar":
            return None, False
        if node.value.id == "NotRequired":
            return node.slice, False
    return node, True


def read_type(node: ast.expr, module: str, scope: str = "") -> Type:
    """The type that an annotation means when written inside `scope` of `module`."""
    match node:
        case ast.Constant(value=str() as text):
            return read_type(ast.parse(text, mode="eval").body, module, scope)
        case ast.Constant(value=None):
            return Scalar("null")
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _choice([read_type(left, module, scope), read_type(right, module, scope)])
        case ast.Name(id=name):
            return _named(name, module, scope)
        case ast.Subscript(value=ast.Name(id=name), slice=inner):
            return _generic(name, inner, module, scope)
    raise LookupError(f"unreadable annotation {ast.unparse(node)} in {module}")


def _generic(name: str, inner: ast.expr, module: str, scope: str) -> Type:
    parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    if name == "Literal":
        return Enum(tuple(part.value for part in parts if isinstance(part, ast.Constant)))
    types = [read_type(part, module, scope) for part in parts]
    match name:
        case "Optional":
            return _choice([*types, Scalar("null")])
        case "Union":
            return _choice(types)
        case "ExpandableField":
            return _choice([Scalar("str"), *types])
        case "List" | "list":
            return Items(types[0])
        case "Dict" | "dict" | "Mapping":
            return Keyed(types[1])
        case "UntypedStripeObject":
            return Keyed(types[0])
        case "ListObject" | "SearchResultObject":
            return Listing(types[0], name == "SearchResultObject")
    raise LookupError(f"unknown generic {name} in {module}")


def _named(name: str, module: str, scope: str) -> Type:
    if name in _NAMED:
        return _NAMED[name]
    source = _module(module)
    outer = scope
    while True:
        dotted = f"{outer}.{name}" if outer else name
        if dotted in source.classes:
            return Struct(module, dotted)
        if not outer:
            break
        outer = outer.rpartition(".")[0]
    if name in ("UntypedStripeObject", "StripeObject"):
        return Keyed(ANY)
    if name in source.imports:
        return Struct(*source.imports[name])
    raise LookupError(f"unknown name {name} in {module}")


def _choice(types: list[Type]) -> Type:
    flat: list[Type] = []
    for type_ in types:
        for option in type_.options if isinstance(type_, Choice) else (type_,):
            if option not in flat:
                flat.append(option)
    return flat[0] if len(flat) == 1 else Choice(tuple(flat))
