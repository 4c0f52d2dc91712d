"""No way around the policy: what an action's executor calls is called from nowhere else."""

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

import grace
from tests.trust.governance import registered

ROOT = Path(grace.__file__).parent


def governed_verbs() -> set[tuple[str, str]]:
    """Module and name of every verb of a `service` that an executor calls."""
    verbs: set[tuple[str, str]] = set()
    for kind in registered.all_kinds():
        module = importlib.import_module(kind.cls.__module__)
        called = {node.func for node in ast.walk(source_of(kind.executor)) if isinstance(node, ast.Call)}
        found = {verb for verb in (resolve(func, vars(module)) for func in called) if verb}
        assert found, f"the executor of {kind.name} calls no verb of a service"
        verbs |= found
    return verbs


def source_of(function: object) -> ast.AST:
    return ast.parse(inspect.getsource(inspect.unwrap(function)))  # type: ignore[arg-type]


def resolve(func: ast.expr, names: dict[str, object]) -> tuple[str, str] | None:
    """The verb of a service that this expression names in a module with these names."""
    if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name):
        target = getattr(names.get(func.value.id), func.attr, None)
    elif isinstance(func, ast.Name):
        target = names.get(func.id)
    else:
        return None
    module = getattr(target, "__module__", "")
    return (module, target.__name__) if inspect.isfunction(target) and ".service" in module else None


def uses(verbs: set[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Each use of a governed verb outside its own slice and the module that registers its action."""
    registering = {kind.cls.__module__ for kind in registered.all_kinds()}
    for path in ROOT.rglob("*.py"):
        name = ".".join(("grace", *path.relative_to(ROOT).with_suffix("").parts))
        if name in registering or any(
            name.startswith(module.split(".service")[0] + part)
            for module, _ in verbs
            for part in (".actions", ".service")
        ):
            continue
        yield from uses_in(name, ast.parse(path.read_text("utf-8")), verbs)


def uses_in(name: str, tree: ast.AST, verbs: set[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    aliases: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for one in node.names:
                aliases[one.asname or one.name] = f"{node.module}.{one.name}"
        elif isinstance(node, ast.Import):
            for one in node.names:
                aliases[one.asname or one.name] = one.name
    for node in ast.walk(tree):
        dotted = ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute) else ""
        head, _, rest = dotted.partition(".")
        full = f"{aliases.get(head, head)}.{rest}" if rest else aliases.get(head, head)
        for module, verb in verbs:
            if full == f"{module}.{verb}":
                yield name, full


def test_governed_verbs_are_called_by_their_action_only() -> None:
    verbs = governed_verbs()
    assert verbs
    assert list(uses(verbs)) == []


def test_the_search_finds_each_way_of_calling() -> None:
    verbs = {("grace.domains.x.service", "pay")}
    for source in (
        "from grace.domains.x import service\nservice.pay(tx)",
        "from grace.domains.x import service as s\ns.pay(tx)",
        "from grace.domains.x.service import pay\npay(tx)",
        "from grace.domains.x.service import pay as p\nlater = p",
        "import grace.domains.x.service\ngrace.domains.x.service.pay(tx)",
    ):
        assert list(uses_in("grace.flows.sly", ast.parse(source), verbs)), source
    assert not list(uses_in("grace.flows.fine", ast.parse("from grace.domains.y.service import pay\npay(tx)"), verbs))
