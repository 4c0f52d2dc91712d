"""The operations of the API: method and path template, their parameters, the type of their answer."""

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from grace_sandbox.contract.source import Struct, Type, imports_of, read_type, sdk_root


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of the API. `params` is None when it takes none; `answer` is what the SDK says it returns."""

    method: str
    path: str
    params: Struct | None
    module: str
    returns: ast.expr

    @property
    def answer(self) -> Type:
        return read_type(self.returns, self.module)


@cache
def operations() -> dict[tuple[str, str], Operation]:
    """Every v1 operation by (method in upper case, path template as the SDK writes it)."""
    found: dict[tuple[str, str], Operation] = {}
    package = sdk_root() / "stripe"
    for path in sorted(package.rglob("*_service.py")):
        if "v2" not in path.relative_to(package).parts:
            for operation in _read_service(path):
                found[operation.method, operation.path] = operation
    return found


def find(method: str, path: str) -> Operation:
    """The operation that a concrete path, such as `/v1/customers/cus_1`, calls; LookupError when there is
    none.
    """
    exact = operations().get((method, path))
    if exact is not None:
        return exact
    for (candidate, template), operation in operations().items():
        if candidate == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            return operation
    raise LookupError(f"{method} {path} is not an operation of the installed SDK")


def _read_service(path: Path) -> list[Operation]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    module = ".".join(path.relative_to(sdk_root()).with_suffix("").parts)
    imports = imports_of(tree)
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.returns is not None:
            call = _request_call(node)
            if call is not None:
                method, template = call
                params = _params_class(node, imports)
                found.append(Operation(method, template, params, module, node.returns))
    return found


def _request_call(function: ast.FunctionDef) -> tuple[str, str] | None:
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "_request":
            method, path = node.args[0], node.args[1]
            if isinstance(path, ast.Call) and isinstance(path.func, ast.Attribute):
                path = path.func.value
            if isinstance(method, ast.Constant) and isinstance(path, ast.Constant):
                return str(method.value).upper(), str(path.value)
    return None


def _params_class(function: ast.FunctionDef, imports: dict[str, tuple[str, str]]) -> Struct | None:
    for argument in function.args.args:
        if argument.arg == "params" and argument.annotation is not None:
            name = re.search(r"\w+Params\b", ast.unparse(argument.annotation))
            if name is not None:
                return Struct(*imports[name.group()])
    return None
