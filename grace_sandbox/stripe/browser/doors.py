"""The addresses of the stand-in of Stripe.js: as at Stripe, the script is `/v3/` of its origin."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

_HERE = Path(__file__).parent
_FILES = {"/v3": "stripe.js", "/v3/": "stripe.js", "/v3/card": "card.html", "/v3/card.js": "card.js"}


async def _file(request: Request) -> Response:
    return FileResponse(_HERE / _FILES[request.url.path], headers={"Cache-Control": "no-store"})


def routes() -> list[Route]:
    """The script and the frame of the card field."""
    return [Route(path, _file) for path in _FILES]
