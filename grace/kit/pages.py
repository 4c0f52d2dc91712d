"""Plain pages: HTML from templates, readable without JavaScript, in light and dark, on a phone.

A module's templates lie in its own `templates/` and extend `plain.html`; values are escaped.
"""

from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from grace.kit.json import check_text

STYLE = Path(__file__).parent / "static" / "plain.css"
"""The stylesheet of plain pages, served at /static/plain.css."""


class Pages:
    """The pages of one package: `Pages("grace.trust.identity").render("home.html", …)`."""

    def __init__(self, package: str) -> None:
        self._environment = Environment(
            loader=ChoiceLoader([PackageLoader(package), PackageLoader("grace.kit")]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def render(self, template: str, /, *, status: int = 200, **values: Any) -> HTMLResponse:
        """A page for one reader: never stored, and its address is told to no other site.

        `no-referrer` would be stricter, but then browsers send `Origin: null` with our own forms.
        """
        html = self._environment.get_template(template).render(values)
        return HTMLResponse(html, status, {"Cache-Control": "no-store", "Referrer-Policy": "same-origin"})


def wants_page(request: Request) -> bool:
    """Whether the reader asks for a page, as browsers do, and not for JSON."""
    return "text/html" in request.headers.get("accept", "")


def form_text(text: str) -> str | None:
    """What somebody wrote into a form, trimmed; None for nothing. Malformed for what cannot be stored."""
    check_text(text)
    return text.strip() or None
