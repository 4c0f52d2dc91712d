"""Random books against a model of a few lines of Python."""

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from grace.kit.tx import Tx
from grace.trust.ledger import check, queries, service
from grace.trust.ledger.errors import HoldEnded, InsufficientFunds, ReferenceUsed
from grace.trust.ledger.models import NewPosting
from grace.trust.ledger.rules import CHART, AccountRef, Line, Purpose, balanced
from tests.fixtures.workspace import WorkspaceUnderTest

CURRENCIES = ("USD", "JPY")
ACCOUNTS = [
    AccountRef(purpose, currency, owner)
    for currency in CURRENCIES
    for purpose, owner in (
        (Purpose.RECEIVABLE, "a"),
        (Purpose.CUSTOMER_CREDIT, "a"),
        (Purpose.CUSTOMER_CREDIT, "b"),
        (Purpose.HELD_FUNDS, "j"),
        (Purpose.SELLER_DEBT, "e"),
        (Purpose.REVENUE, None),
        (Purpose.BANK, None),
    )
]


@st.composite
def line_sets(draw: st.DrawFn) -> list[Line]:
    """A balanced set of one or two currencies, from transfers that may share accounts."""
    lines: list[Line] = []
    for currency in draw(st.sets(st.sampled_from(CURRENCIES), min_size=1)):
        among = [account for account in ACCOUNTS if account.currency == currency]
        for _ in range(draw(st.integers(1, 3))):
            to, source = draw(st.permutations(among))[:2]
            amount = draw(st.integers(1, 500))
            lines += [Line(to, amount), Line(source, -amount)]
    return lines


steps = st.lists(
    st.one_of(
        st.tuples(st.just("post"), st.integers(0, 12), line_sets()),
        st.tuples(st.just("batch"), st.integers(0, 12), st.lists(line_sets(), min_size=1, max_size=4)),
        st.tuples(st.just("reserve"), st.integers(0, 5), line_sets()),
        st.tuples(st.just("settle"), st.integers(0, 5), st.none()),
        st.tuples(st.just("release"), st.integers(0, 5), st.none()),
        st.tuples(st.just("roll"), st.just(0), st.none()),
    ),
    min_size=5,
    max_size=25,
)


class Model:
    """Balances (debit positive), what was posted and what is held, kept the simplest way."""

    def __init__(self) -> None:
        self.balances: Counter[AccountRef] = Counter()
        self.posted: dict[str, frozenset[Line]] = {}
        self.held: dict[str, tuple[Line, ...]] = {}
        self.ended: dict[str, str] = {}

    def fits(self, balances: Counter[AccountRef], held: dict[str, tuple[Line, ...]]) -> bool:
        for account in ACCOUNTS:
            traits = CHART[account.purpose]
            away = sum(
                max(-traits.normal * line.amount_minor, 0)
                for lines in held.values()
                for line in lines
                if line.account == account
            )
            if not traits.allow_negative and traits.normal * balances[account] < away:
                return False
        return True

    def post(self, sets: dict[str, tuple[Line, ...]], held: dict[str, tuple[Line, ...]]) -> type[Exception] | None:
        balances = self.balances.copy()
        for reference, lines in sets.items():
            if reference not in self.posted:
                balances.update({line.account: line.amount_minor for line in lines})
        if not self.fits(balances, held):
            return InsufficientFunds
        if any(self.posted.get(reference, frozenset(lines)) != frozenset(lines) for reference, lines in sets.items()):
            return ReferenceUsed
        self.balances = balances
        self.held = held
        self.posted |= {reference: frozenset(lines) for reference, lines in sets.items()}
        return None


async def _try(workspace: WorkspaceUnderTest, act: Any) -> type[Exception] | None:
    try:
        async with workspace.tx() as tx:
            await act(tx)
    except (InsufficientFunds, ReferenceUsed, HoldEnded) as error:
        return type(error)
    return None


async def _play(workspace: WorkspaceUnderTest, model: Model, run: str, step: tuple[str, int, Any]) -> None:
    what, number, value = step
    name = f"{run}:{number}"

    async def act(tx: Tx) -> None:
        if what == "post":
            await service.post(tx, reference=name, kind="test", lines=value)
        elif what == "batch":
            batch = [NewPosting(f"{run}:{number + n}", "test", tuple(lines)) for n, lines in enumerate(value)]
            await service.post_many(tx, postings=batch)
        elif what == "reserve":
            await service.reserve(tx, reference=name, kind="test", lines=value)
        elif what == "settle":
            await service.settle(tx, hold=name, reference=f"{name}:settled", kind="test")
        elif what == "release":
            await service.release(tx, hold=name)
        else:
            await service.roll(tx)

    if any(not _merged(lines) for lines in ([value] if what in ("post", "reserve") else value or [])):
        return
    got = await _try(workspace, act)
    assert got == _expected(model, run, what, number, name, value), step


def _merged(lines: list[Line]) -> tuple[Line, ...]:
    totals: Counter[AccountRef] = Counter()
    for line in lines:
        totals[line.account] += line.amount_minor
    if not any(totals.values()):
        return ()
    return balanced(lines)


def _expected(model: Model, run: str, what: str, number: int, name: str, value: Any) -> type[Exception] | None:
    if what == "post":
        return model.post({name: balanced(value)}, model.held)
    if what == "batch":
        return model.post({f"{run}:{number + n}": balanced(lines) for n, lines in enumerate(value)}, model.held)
    if what == "reserve":
        lines = balanced(value)
        earlier = model.held.get(name) or model.posted.get(f"hold {name}")
        if earlier is not None:
            return None if frozenset(earlier) == frozenset(lines) else ReferenceUsed
        held = model.held | {name: lines}
        if not model.fits(model.balances, held):
            return InsufficientFunds
        model.held = held
        model.posted[f"hold {name}"] = frozenset(lines)
        return None
    if what in ("settle", "release"):
        if name not in model.held:
            return None if model.ended.get(name) == what else HoldEnded
        lines = model.held[name]
        held = {reference: kept for reference, kept in model.held.items() if reference != name}
        if what == "settle":
            refused = model.post({f"{name}:settled": lines}, held)
            if refused:
                return refused
        model.held = held
        model.ended[name] = what
    return None


async def test_books_are_as_the_model_says(workspace: WorkspaceUnderTest) -> None:
    @settings(max_examples=40, deadline=None, database=None)
    @given(steps)
    def play(script: list[tuple[str, int, Any]]) -> None:
        examples.append(script)

    examples: list[list[tuple[str, int, Any]]] = []
    play()
    model = Model()
    for number, script in enumerate(examples):
        model.held = {}
        for step in script:
            await _play(workspace, model, str(number), step)
        async with workspace.tx() as tx:
            for reference in model.held:
                await service.release(tx, hold=reference)
            assert await check.check(tx) == []
            for account in ACCOUNTS:
                expected = CHART[account.purpose].normal * model.balances[account]
                assert await queries.balance(tx, account) == expected
    assert model.posted
