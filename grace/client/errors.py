"""The one error of the client library."""

from collections.abc import Mapping
from typing import Any


class GraceError(Exception):
    """Grace refused, or did not answer in time. `document` is the problem document (RFC 9457).

    `status` is the HTTP status, None when no answer came; `type` the stable name of the problem, such as
    `/problems/not-found`; `detail` a sentence for a person; `request_id` names the request in the server's log.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = dict(document)
        self.status: int | None = self.document.get("status")
        self.type = str(self.document.get("type", "about:blank"))
        self.title = str(self.document.get("title", ""))
        self.detail = str(self.document.get("detail", ""))
        self.request_id: str | None = self.document.get("request_id")
        super().__init__(self.detail or self.title)
