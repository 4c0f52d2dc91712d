"""The house keeps its limits: short files and functions, empty packages, plain names, a docstring everywhere."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("grace", "grace_sandbox")
FILE_LINES = 400
FUNCTION_LINES = 70
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc", "base"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources(*packages: str) -> list[Path]:
    """The Python files below some directories of the repository."""
    return sorted(file for package in packages for file in (ROOT / package).rglob("*.py"))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(tree: ast.Module) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def test_files_are_short() -> None:
    texts = [*sources("grace", "grace_sandbox", "tests", "bench"), *(ROOT / "grace").rglob("*.html")]
    lines = {named(path): len(path.read_text().splitlines()) for path in texts}
    largest = sorted(lines, key=lambda name: -lines[name])[:10]
    print("\nThe ten largest files:", *(f"  {lines[name]:4} {name}" for name in largest), sep="\n")
    assert [f"{name}: {lines[name]} lines" for name in lines if lines[name] > FILE_LINES] == []


def test_functions_are_short() -> None:
    found = []
    for path in sources("grace", "grace_sandbox", "tests", "bench"):
        for function in functions(ast.parse(path.read_text())):
            length = (function.end_lineno or 0) - function.lineno + 1
            if length > FUNCTION_LINES:
                found.append(f"{named(path)}: {function.name} has {length} lines")
    assert found == []


def test_packages_hold_a_docstring_and_nothing_else() -> None:
    found = []
    for path in sources(*PACKAGES):
        if path.name == "__init__.py":
            body = ast.parse(path.read_text()).body
            if len(body) != 1 or ast.get_docstring(ast.parse(path.read_text())) is None:
                found.append(named(path))
    assert found == []


def test_no_file_is_a_drawer_for_odds_and_ends() -> None:
    found = [named(path) for path in sources(*PACKAGES, "tests") if set(path.with_suffix("").parts) & FORBIDDEN_NAMES]
    assert found == []


def test_every_module_and_public_name_has_a_docstring() -> None:
    found = []
    for path in sources(*PACKAGES):
        tree = ast.parse(path.read_text())
        if ast.get_docstring(tree) is None:
            found.append(named(path))
        if path.is_relative_to(ROOT / "grace"):
            found += [f"{named(path)}: {name}" for name in _bare(tree.body)]
    assert found == []


def _bare(body: list[ast.stmt], inside: str = "") -> Iterator[str]:
    """Public functions and classes without a docstring. A method that only says how an interface is met needs none."""
    for node in body:
        if not isinstance(node, Function | ast.ClassDef) or node.name.startswith("_"):
            continue
        is_interface = isinstance(node, Function) and (_is_declaration(node) or _overrides(node))
        if ast.get_docstring(node) is None and not is_interface:
            yield inside + node.name
        if isinstance(node, ast.ClassDef) and not _is_exempt(node):
            yield from _bare(node.body, f"{inside}{node.name}.")


def _is_declaration(function: Function) -> bool:
    """A line of a Protocol: `def id(self) -> str: ...`."""
    last = function.body[-1]
    return len(function.body) == 1 and isinstance(last, ast.Expr) and isinstance(last.value, ast.Constant)


def _overrides(function: Function) -> bool:
    return any(isinstance(d, ast.Name) and d.id == "override" for d in function.decorator_list)


def _is_exempt(node: ast.ClassDef) -> bool:
    """Whose methods are another library's or the class's own interface, explained there."""
    return bool(node.bases)
