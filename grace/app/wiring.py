"""Binds each port to a vendor's adapter: the only module that may import one."""

from grace.app.installation import Prepare
from grace.kit.edge import Authenticate
from grace.kit.settings import Settings
from grace.kit.tx import Tx
from grace.trust.audit.service import load_or_create_signer
from grace.trust.identity.service import sessions


async def _make_signer(tx: Tx) -> None:
    await load_or_create_signer(tx)


authenticate: Authenticate = sessions.authenticate


PREPARE: tuple[Prepare, ...] = (_make_signer,)
"""What every new workspace gets besides its tables; each step may run again."""


def bind(settings: Settings) -> None:
    """Bind the ports for this process."""
