"""Binds each port to a vendor's adapter: the only module that may import one."""

from grace.app import modules
from grace.app.installation import Prepare, Renew
from grace.flows.collect_cash.jobs import connect_webhooks
from grace.flows.work import proving
from grace.kit.credentials import credential
from grace.kit.edge import Authenticate
from grace.kit.jobs import defer
from grace.kit.settings import Settings
from grace.kit.tx import Tx
from grace.providers.architect import port as architect
from grace.providers.architect.builtin.architect import BuiltinArchitect
from grace.providers.payments import port as cards
from grace.providers.payments.stripe.adapter import StripeCards
from grace.trust.audit.service import load_or_create_signer
from grace.trust.governance.service.policy import install_shipped_policy, rules_behind
from grace.trust.identity.service import sessions


async def _make_signer(tx: Tx) -> None:
    await load_or_create_signer(tx)


authenticate: Authenticate = sessions.authenticate


async def _install_policy(tx: Tx) -> None:
    await install_shipped_policy(tx)


async def _connect_webhooks(tx: Tx) -> None:
    if credential(tx.workspace, "stripe_secret_key") is not None:
        await defer(tx, connect_webhooks)


async def _renew_policy(tx: Tx) -> str | None:
    installed = await install_shipped_policy(tx)
    if installed is not None:
        return f"policy version {installed.version}, as shipped"
    if behind := await rules_behind(tx):
        return f"keeps its own policy, which lacks newer shipped rules: {', '.join(behind)}"
    return None


RENEW: tuple[Renew, ...] = (_renew_policy,)
"""What a workspace gets of a newer version besides its tables; each says what it did, or what the owner should know."""

PREPARE: tuple[Prepare, ...] = (_make_signer, _install_policy, _connect_webhooks)
"""What every new workspace gets besides its tables; each step may run again."""


_providers: list[StripeCards] = []
"""What was bound, until it has hung up: the last one is in use."""


def bind(settings: Settings) -> None:
    """Bind the ports for this process."""
    architect.bind(BuiltinArchitect())
    _providers.append(StripeCards(settings))
    cards.bind(_providers[-1])
    proving.bind(modules.books)


async def close() -> None:
    """Hang up at the providers, also at those bound before, before the event loop ends."""
    for provider in _providers:
        await provider.close()
    del _providers[:-1]
