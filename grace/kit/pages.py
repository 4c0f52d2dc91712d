"""Pages: HTML from templates, readable without JavaScript, in light and dark, on a phone.

A module's templates lie in its own `templates/` and extend `plain.html` (a client's page) or the console's
`base.html`; values are escaped. Scripts, styles and fonts are served under /static/, from `static/`.
"""

import hashlib
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, tzinfo
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from grace.kit import display
from grace.kit.json import check_text

STATIC = Path(__file__).parent / "static"
POLICY: Mapping[str, str] = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "font-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
"""The Content-Security-Policy of every page that asks for no more."""
_YEAR = "public, max-age=31536000, immutable"


class Static(StaticFiles):
    """The folder of static files: kept for ever by whoever asks with the `?v=` that `asset` writes."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    async def get_response(self, path: str, scope: Scope) -> Any:
        response = await super().get_response(path, scope)
        versioned = scope.get("query_string", b"").startswith(b"v=")
        response.headers["Cache-Control"] = _YEAR if versioned else "public, max-age=86400"
        return response


@cache
def asset(name: str) -> str:
    """The address of a static file, which changes with its content."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:8]
    return f"/static/{name}?v={digest}"


def icon(name: str, size: str = "") -> Markup:
    """A Lucide icon of assets/icons.txt: 16 px, 14 as `s`, 20 as `l`. Words beside it say what it means."""
    return Markup('<svg class="i {}" aria-hidden="true"><use href="{}#{}"/></svg>').format(
        size, asset("vendor/icons.svg"), name
    )


_zone: ContextVar[tzinfo] = ContextVar("zone", default=UTC)
"""Where the reader of the page that is being rendered is: macros know it too."""


def day(at: date) -> str:
    """`20 Nov 2026`: the day on which something happened, where the business is."""
    return display.format_day(at, _zone.get())


def clock(at: datetime) -> str:
    """`14:54`, where the business is."""
    return display.format_clock(at, _zone.get())


def exact(at: datetime, *, ms: bool = False) -> str:
    """`20 Nov 2026, 14:54 IST`: for money and for what is audited."""
    return display.format_moment(at, _zone.get(), to_the_millisecond=ms)


def arrived(at: datetime) -> str:
    """When money came: the time, or only the day where somebody wrote down the day."""
    whole_day = at.astimezone(UTC).time() == time()
    return display.format_day(at) if whole_day else exact(at)


def moment(at: datetime, now: datetime) -> Markup:
    """A time as people say it, the exact one beside it for who points at it and for machines."""
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        at.isoformat(), exact(at), display.format_relative(at, now, _zone.get())
    )


def policy(**more: str) -> str:
    """The Content-Security-Policy with sources added: `policy(script_src="https://js.example")`."""
    wanted = dict(POLICY)
    for name, sources in more.items():
        directive = name.replace("_", "-")
        stands = wanted.get(directive, "'none'")
        wanted[directive] = sources if stands == "'none'" else f"{stands} {sources}"
    return "; ".join(f"{directive} {sources}" for directive, sources in wanted.items())


class Pages:
    """The pages of one package: `Pages("grace.trust.identity").render("home.html", …)`."""

    def __init__(self, package: str, **shared: Any) -> None:
        self._environment = Environment(
            loader=ChoiceLoader([PackageLoader(package), PackageLoader("grace.kit")]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(
            asset=asset,
            icon=icon,
            moment=moment,
            exact=exact,
            money=display.format_money,
            compact=display.format_compact,
            day=day,
            clock=clock,
            calendar=display.format_day,
            last_day=display.format_last_day,
            arrived=arrived,
            **shared,
        )

    def render(self, template: str, /, *, status: int = 200, zone: tzinfo = UTC, **values: Any) -> HTMLResponse:
        """A page for one reader: never stored, and its address is told to no other site.

        Times are shown in `zone`; days that documents, figures and promises name (`calendar`) are those of UTC.
        `no-referrer` would be stricter, but then browsers send `Origin: null` with our own forms.
        """
        before = _zone.set(zone)
        try:
            html = self._environment.get_template(template).render(values)
        finally:
            _zone.reset(before)
        return HTMLResponse(html, status, {"Cache-Control": "no-store", "Referrer-Policy": "same-origin"})


def wants_page(request: Request) -> bool:
    """Whether the reader asks for a page, as browsers do, and not for JSON."""
    return "text/html" in request.headers.get("accept", "") or "hx-request" in request.headers


def form_text(text: str) -> str | None:
    """What somebody wrote into a form, trimmed; None for nothing. Malformed for what cannot be stored."""
    check_text(text)
    return text.strip() or None
