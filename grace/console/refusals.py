"""A refusal of what a page asked for in place: the page keeps what was typed and says what was wrong."""

from json import dumps

from fastapi import Request, Response

from grace.kit.errors import Problem
from grace.kit.web import problem_response
from grace.trust.identity.pages import asked_for, sign_in_address

_WORDS = (("Field required", "Fill this in"), ("String should have", "This needs"), ("Input should be", "This must be"))
DETAIL_LENGTH = 500


def refused_in_place(request: Request, problem: Problem) -> Response:
    """The problem document, with the event that `console.js` shows; who is signed out goes to sign in."""
    response = problem_response(problem, request.state.id)
    if problem.status == 401:
        response.headers["HX-Redirect"] = sign_in_address(asked_for(request))
        return response
    faults = [{"at": _field(fault["at"]), "what": _plain(fault["what"])} for fault in problem.extra.get("errors", [])]
    if problem.status >= 500:
        detail = f"Grace did not finish this. Send it once more: nothing is done twice. Number {request.state.id}."
    elif faults:
        detail = "Please check what you entered. Nothing was changed."
    else:
        detail = f"{problem.detail[:DETAIL_LENGTH]} Nothing was changed."
    response.headers["HX-Trigger"] = dumps({"refused": {"detail": detail, "errors": faults}})
    return response


def _field(at: str) -> str:
    return at.removeprefix("query.").removeprefix("path.")


def _plain(what: str) -> str:
    for technical, plain in _WORDS:
        what = what.replace(technical, plain)
    return what
