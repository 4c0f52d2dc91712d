"""What a stranger needs to check an entry, or that one state of the log continues another (`docs/proofs.md`)."""

from collections.abc import Sequence

from grace.kit.errors import Conflict, InProgress, Invalid
from grace.kit.tx import Tx
from grace.trust.audit import queries
from grace.trust.audit.errors import LogRewound
from grace.trust.audit.models import Checkpoint, Evidence
from grace.trust.audit.rules import merkle
from grace.trust.audit.rules.notes import verifier_key
from grace.trust.audit.schemas import Consistency, ConsistentWith, EntryProof, LogState, ProvenEntry, base64_of


async def public_key(tx: Tx) -> str:
    """The log's public key as it is given to others; InProgress before the first entry."""
    signer = await queries.stored_signer(tx.connection)
    if signer is None:
        raise _not_yet()
    return verifier_key(signer.origin, signer.public_key)


async def newest(tx: Tx) -> Checkpoint:
    """The newest checkpoint; InProgress before the first."""
    found = await queries.last_checkpoint(tx)
    if found is None:
        raise _not_yet()
    return found


async def entry_proof(tx: Tx, entry_id: int, *, size: int | None) -> EntryProof:
    """An entry with its proof in the tree of the checkpoint of `size` entries, or of the newest.

    InProgress until it is sealed, Invalid for a checkpoint before it, NotFound for no checkpoint.
    """
    found = await queries.evidence(tx, entry_id)
    head = await newest(tx) if size is None else await queries.checkpoint(tx, size)
    if found.leaf is not None and size is not None and found.leaf >= size:
        raise Invalid(f"The entry is leaf {found.leaf}; a checkpoint of {size} entries does not cover it.")
    [entry] = await prove(tx, [found], head)
    return EntryProof(format="grace-entry-proof-1", key=await public_key(tx), checkpoint=head.note, entry=entry)


async def prove(tx: Tx, found: Sequence[Evidence], head: Checkpoint) -> list[ProvenEntry]:
    """Entries with their proofs in the tree of a checkpoint; InProgress when one is not under it yet.

    All proofs are made from one read of the stored tree.
    """
    if any(one.leaf is None or one.leaf >= head.size for one in found):
        raise _not_yet()
    paths = [merkle.inclusion_ranges(one.leaf or 0, head.size) for one in found]
    try:
        proofs = await queries.proofs(tx, paths)
    except LogRewound as error:
        raise _damaged(error) from error
    return [ProvenEntry.of(one, proof) for one, proof in zip(found, proofs, strict=True)]


async def consistency(tx: Tx, *, old_size: int, size: int | None) -> Consistency:
    """That the log of `size` entries, or as it is now, begins with that of `old_size`; Invalid for other sizes."""
    new_size = (await newest(tx)).size if size is None else size
    old, new = await _state(tx, old_size), await _state(tx, new_size)
    proof = await _consistency(tx, old_size, new_size)
    return Consistency(format="grace-consistency-1", key=await public_key(tx), old=old, new=new, proof=proof)


async def continuing(tx: Tx, *, old_size: int, head: Checkpoint) -> ConsistentWith:
    """That a checkpoint continues the state of `old_size` entries, to stand in a receipt."""
    proof = await _consistency(tx, old_size, head.size)
    return ConsistentWith(size=old_size, root=(await _state(tx, old_size)).root, proof=proof)


async def _consistency(tx: Tx, old_size: int, size: int) -> list[str]:
    sealed = (await newest(tx)).size
    if not 0 < old_size <= size <= sealed:
        raise Invalid(f"The log has {sealed} sealed entries: the sizes must be between 1 and that, the older first.")
    try:
        return [base64_of(one) for one in await queries.consistency_proof(tx, old_size=old_size, size=size)]
    except LogRewound as error:
        raise _damaged(error) from error


async def _state(tx: Tx, size: int) -> LogState:
    sealed = (await newest(tx)).size
    if not 0 < size <= sealed:
        raise Invalid(f"The log has {sealed} sealed entries: the sizes must be between 1 and that, the older first.")
    try:
        root = await queries.root(tx, size)
    except LogRewound as error:
        raise _damaged(error) from error
    heads = [one for one in await queries.checkpoints(tx, before=size + 1, limit=1) if one.size == size]
    return LogState(size=size, root=base64_of(root), checkpoint=heads[0].note if heads else None)


def _not_yet() -> InProgress:
    return InProgress("This is not sealed yet; the worker seals within a second.", retry_after=1)


def _damaged(error: LogRewound) -> Conflict:
    return Conflict(f"The stored tree is damaged: {error}. `grace audit verify` says more.", type="log-damaged")
