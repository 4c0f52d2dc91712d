"""Binds each port to a vendor's adapter: the only module that may import one."""

from grace.app.installation import Prepare
from grace.kit.edge import Authenticate
from grace.kit.settings import Settings
from grace.kit.tx import Tx
from grace.trust.audit.service import load_or_create_signer
from grace.trust.governance.service.policy import install_shipped_policy
from grace.trust.identity.service import sessions


async def _make_signer(tx: Tx) -> None:
    await load_or_create_signer(tx)


authenticate: Authenticate = sessions.authenticate


async def _install_policy(tx: Tx) -> None:
    await install_shipped_policy(tx)


PREPARE: tuple[Prepare, ...] = (_make_signer, _install_policy)
"""What every new workspace gets besides its tables; each step may run again."""


def bind(settings: Settings) -> None:
    """Bind the ports for this process."""
