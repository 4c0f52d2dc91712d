"""A unit of work: one request or job, with its present transaction and the way to the next one."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol, TypeVar

from grace.kit.tx import SYSTEM, Opening, Principal, Tx, begin, new_request_id
from grace.kit.workspace import Workspaces


class UnknownOutcome(Exception):
    """A provider did not answer, or answered that it does not know: the effect may or may not be there."""


class Unit:
    """Opens, commits and reopens transactions for one request or job.

    `intent` is the id of a provider call that an earlier attempt began; `settled` turns False when the
    outcome of a call is unknown, so that the edge does not keep the answer as final.
    """

    def __init__(
        self,
        workspaces: Workspaces,
        handle: str,
        *,
        principal: Principal = SYSTEM,
        request_id: str | None = None,
    ) -> None:
        self.workspaces = workspaces
        self.handle = handle
        self.principal = principal
        self.request_id = request_id or new_request_id()
        self.intent: str | None = None
        self.settled = True
        self.split = False
        self.on_intent: Callable[[Tx, str], Awaitable[None]] | None = None
        self._tx: Tx | None = None
        self._stack = AsyncExitStack()

    @property
    def tx(self) -> Tx:
        """The open transaction."""
        if self._tx is None:
            raise LookupError("no transaction is open")
        return self._tx

    async def open(self, opening: Opening | None = None) -> Tx:
        """Begin the next transaction."""
        pool = await self.workspaces.pool(self.handle)
        connection = await self._stack.enter_async_context(pool.connection())
        try:
            self._tx = await begin(self.workspaces, connection, self.handle, self.principal, self.request_id, opening)
        except BaseException as error:
            await self._stack.__aexit__(type(error), error, error.__traceback__)
            raise
        return self._tx

    async def commit(self) -> None:
        """Write what was collected and commit."""
        await self.tx.commit()
        self._tx = None
        await self._stack.aclose()

    async def rollback(self, error: BaseException) -> None:
        """Undo the open transaction, if there is one."""
        if self._tx is not None:
            self._tx = None
            await self._stack.__aexit__(type(error), error, error.__traceback__)

    @asynccontextmanager
    async def outside(self) -> AsyncIterator[None]:
        """Commit what was read, do something slow without a transaction, and go on in the next one."""
        await self.commit()
        self.split = True
        yield
        await self.open()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """One whole transaction of a job."""
        tx = await self.open()
        try:
            yield tx
            await self.commit()
        except BaseException as error:
            await self.rollback(error)
            raise


class Intent(Protocol):
    """A provider call that is written down before it is made. `open` says that its outcome is not known."""

    @property
    def id(self) -> str: ...
    @property
    def open(self) -> bool: ...


I = TypeVar("I", bound=Intent)  # noqa: E741
Outcome = TypeVar("Outcome")
Answer = TypeVar("Answer")


async def two_step(
    unit: Unit,
    *,
    begin: Callable[[Tx], Awaitable[I]],
    resume: Callable[[Tx, str], Awaitable[I]],
    call: Callable[[I], Awaitable[Outcome]],
    record: Callable[[Tx, I, Outcome | UnknownOutcome | None], Awaitable[Answer]],
) -> Answer:
    """The only code with two transactions around a provider call.

    `begin(tx)` writes the intent (or `resume(tx, id)` finds the one of an earlier attempt) and is
    committed; `call(intent)` runs without a transaction, with the intent's own key at the provider;
    `record(tx, intent, outcome)` stores what came of it. An intent that is settled already is not called
    again: `record` then gets None. An unknown outcome is handed to `record` too, never raised.
    """
    tx = unit.tx
    intent = await (resume(tx, unit.intent) if unit.intent else begin(tx))
    if not intent.open:
        return await record(tx, intent, None)
    if unit.on_intent is not None:
        await unit.on_intent(tx, intent.id)
    await unit.commit()
    unit.split = True
    outcome: Outcome | UnknownOutcome
    try:
        outcome = await call(intent)
    except UnknownOutcome as unknown:
        outcome = unknown
        unit.settled = False
    tx = await unit.open()
    return await record(tx, intent, outcome)
