"""What a form sends, read as the body of the API door that does the same."""

from collections.abc import Iterable
from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from grace.kit.errors import Malformed
from grace.kit.json import check_text
from grace.kit.web import Body

B = TypeVar("B", bound=Body)
FIELDS = 500


async def read_form(request: Request, body: type[B], **fixed: Any) -> B:
    """A form's fields as `body`, checked as JSON would be; `fixed` are not the reader's to choose.

    An empty field counts as not sent. `lines.0.amount` is the amount of the first of `lines`.
    """
    return read_fields((await request.form(max_fields=FIELDS)).multi_items(), body, **fixed)


def read_fields(items: Iterable[tuple[str, UploadFile | str]], body: type[B], **fixed: Any) -> B:
    """As `read_form`, for the fields of an address's query too."""
    fields: dict[str, Any] = {}
    for name, value in items:
        if isinstance(value, UploadFile) or name == "idempotency_key" or not value.strip():
            continue
        check_text(value)
        _put(fields, name.split("."), value)
    try:
        return body.model_validate({**{name: _lists(item) for name, item in fields.items()}, **fixed})
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None


def _put(into: dict[str, Any], path: list[str], value: str) -> None:
    for part in path[:-1]:
        into = into.setdefault(part, {})
        if not isinstance(into, dict):
            raise Malformed("The form names a field twice.")
    into[path[-1]] = value


def _lists(value: Any) -> Any:
    """Fields numbered from 0 are a list, in the order of their numbers."""
    if not isinstance(value, dict):
        return value
    if all(name.isdecimal() for name in value):
        return [_lists(value[name]) for name in sorted(value, key=int)]
    return {name: _lists(item) for name, item in value.items()}
