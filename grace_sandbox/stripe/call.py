"""What an operation works with: the account, its objects, its time, the parameters; and the events it
emits.
"""

import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from grace_sandbox.contract.source import Field
from grace_sandbox.faults import take_fault
from grace_sandbox.store import Account, Store
from grace_sandbox.stripe.errors import Json, invalid, missing

API_VERSION = "2026-10-28.endive"
MAX_METADATA_KEYS = 50
MAX_METADATA_KEY = 40
MAX_METADATA_VALUE = 500


@dataclass(slots=True)
class Call:
    """One request, or one piece of later work, inside one transaction."""

    store: Store
    account: Account
    base_url: str = ""
    params: Json = field(default_factory=dict)
    publishable: bool = False
    request_id: str | None = None
    idempotency_key: str | None = None

    @property
    def now(self) -> int:
        return self.account.now

    def new_id(self, prefix: str) -> str:
        return f"{prefix}_{self.store.new_letters(self.account.name, length=24)}"

    def get(self, type_: str, id_: str, *, param: str = "id", kind: str | None = None) -> Json:
        """The object, or Stripe's resource_missing."""
        found = self.store.get(self.account.name, id_)
        if found is None or found["object"] != type_:
            raise missing(kind or type_, id_, param=param)
        return found

    def customer(self, id_: str, *, param: str = "customer") -> Json:
        """The customer; one that was deleted is as good as none."""
        found = self.get("customer", id_, param=param)
        if found.get("_deleted"):
            raise missing("customer", id_, param=param)
        return found

    def find(self, type_: str, where: str = "true", *args: object) -> list[Json]:
        return self.store.find(self.account.name, type_, where, *args)

    def save(self, value: Json) -> None:
        self.store.put(self.account.name, value)

    def later(self, work: str, value: Json, *, at: int) -> None:
        self.store.at(self.account.name, due=at, work=work, object_id=value["id"])

    def metadata(self, old: Json | None = None) -> Json:
        """`old` metadata with the parameter's changes: an empty value removes a key, an empty hash all of
        them.
        """
        given = self.params.get("metadata", {})
        if given == "":
            return {}
        for key, value in given.items():
            if len(key) > MAX_METADATA_KEY:
                raise invalid(
                    f"Metadata keys can have up to {MAX_METADATA_KEY} characters, but you passed in a key "
                    f"that is {len(key)} characters. Invalid key: {key}",
                    param="metadata",
                )
            if len(value) > MAX_METADATA_VALUE:
                raise invalid(
                    f"Metadata values can have up to {MAX_METADATA_VALUE} characters, but you passed in a "
                    f"value that is {len(value)} characters. Invalid value: {value}",
                    param=f"metadata[{key}]",
                )
        merged = {key: value for key, value in {**(old or {}), **given}.items() if value != ""}
        if len(merged) > MAX_METADATA_KEYS:
            raise invalid(f"You can only have up to {MAX_METADATA_KEYS} metadata keys.", param="metadata")
        return merged

    def emit(self, type_: str, value: Json, *, previous: Json | None = None) -> None:
        """Stores an event with the object as it is now and queues it for every endpoint that asked for its
        type.
        """
        data: Json = {"object": public(deepcopy(value))}
        if previous:
            data["previous_attributes"] = previous
        event: Json = {
            "id": self.new_id("evt"), "object": "event", "api_version": API_VERSION, "created": self.now,
            "data": data, "livemode": False, "pending_webhooks": 0, "type": type_,
            "request": {"id": self.request_id, "idempotency_key": self.idempotency_key},
        }  # fmt: skip
        for endpoint in self.find("webhook_endpoint", "data ->> 'status' = 'enabled'"):
            if "*" in endpoint["enabled_events"] or type_ in endpoint["enabled_events"]:
                event["pending_webhooks"] += 1
                self._queue(event, endpoint["id"])
        self.save(event)

    def _queue(self, event: Json, endpoint: str) -> None:
        fault = take_fault(
            self.store,
            ("webhook_duplicate", "webhook_delay", "webhook_reorder", "webhook_lose"),
            account=self.account.name,
            event_type=event["type"],
        )
        kind = fault.kind if fault else None
        options = fault.options if fault else {}
        state = {"webhook_lose": "lost", "webhook_reorder": "held"}.get(kind or "", "pending")
        due_at = time.time() + options.get("delay_ms", 0) / 1000
        for _ in range(options.get("times", 1)):
            self.store.db.execute(
                "insert into delivery (position, account, endpoint, event, event_type, state, due_at, "
                "fault, created_at) values ((select coalesce(max(position), 0) + 1 from delivery), ?, ?, "
                "?, ?, ?, ?, ?, ?)",
                (
                    self.account.name,
                    endpoint,
                    event["id"],
                    event["type"],
                    state,
                    due_at,
                    fault.id if fault else None,
                    time.time(),
                ),
            )
        if fault is not None and kind == "webhook_reorder" and fault.left == 0:
            release_held(self.store, fault=fault.id)


def release_held(store: Store, *, fault: int | None = None, account: str | None = None) -> None:
    """Lets held deliveries go, last first: those of a fault, or of an account, or all."""
    rows = store.db.execute(
        "select id, position from delivery where state = 'held' and (? is null or fault = ?)"
        " and (? is null or account = ?) order by position",
        (fault, fault, account, account),
    ).fetchall()
    for row, other in zip(rows, reversed(rows), strict=True):
        store.db.execute(
            "update delivery set state = 'pending', position = ? where id = ?", (other["position"], row["id"])
        )


def public(value: Any) -> Any:
    """The value without the sandbox's own fields, whose names begin with an underscore."""
    if isinstance(value, dict):
        return {key: public(item) for key, item in value.items() if not key.startswith("_")}
    if isinstance(value, list):
        return [public(item) for item in value]
    return value


Handler = Callable[..., Json]


@dataclass(frozen=True, slots=True)
class Route:
    """`publishable` says that the browser's key may call it; `extra` are parameters the SDK leaves out."""

    method: str
    path: str
    handler: Handler
    publishable: bool
    extra: dict[str, Field]


ROUTES: list[Route] = []


def operation(
    method: str, path: str, *, publishable: bool = False, extra: dict[str, Field] | None = None
) -> Callable[[Handler], Handler]:
    """Registers a handler under the path template that the SDK uses; it gets the call and the path's ids in
    order.
    """

    def register(handler: Handler) -> Handler:
        ROUTES.append(Route(method, path, handler, publishable, extra or {}))
        return handler

    return register
