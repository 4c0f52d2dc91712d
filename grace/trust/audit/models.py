"""Rows of the audit log and what verification reports."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as people read it; `leaf` is its place in the tree, None until it is sealed.

    `payload` is the JSON text of reason, before and after; None when it was erased.
    """

    id: int
    at: datetime
    recorded_at: datetime
    principal_kind: str
    principal_id: str
    principal_owner: str
    action: str
    subject_kind: str
    subject_id: str
    request_id: str
    leaf: int | None
    payload: str | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """An entry as it is hashed, for whoever recomputes it; salt and payload are None when they were erased, `leaf`
    until the entry is sealed."""

    id: int
    leaf: int | None
    header: bytes
    commitment: bytes
    salt: bytes | None
    payload: bytes | None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed tree head."""

    size: int
    root: bytes
    note: str


@dataclass(frozen=True, slots=True)
class StoredSigner:
    """The log's name and key; the private key is encrypted and bound to the public one."""

    origin: str
    public_key: bytes
    sealed_private_key: bytes


@dataclass(frozen=True, slots=True)
class SealResult:
    """One sealing pass: how many entries it sealed, and the checkpoint that covers them, if any."""

    sealed: int
    checkpoint: Checkpoint | None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was written; `leaf` is the place in the log it concerns, if one."""

    detail: str
    leaf: int | None = None

    def __str__(self) -> str:
        return self.detail


@dataclass(slots=True)
class Report:
    """What verification found. `findings` holds the first 100, `finding_count` counts all.

    `completeness_proven`: nothing was cut or rewritten before entry `proven_size`, as an outside
    checkpoint shows. `unsealed` entries wait for the next pass; `erased` payloads were erased on record.
    """

    origin: str
    size: int = 0
    root: bytes = b""
    checkpoints: int = 0
    unsealed: int = 0
    erased: int = 0
    findings: list[Finding] = field(default_factory=list)
    finding_count: int = 0
    completeness_proven: bool = False
    proven_size: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return self.finding_count == 0

    def add(self, detail: str, leaf: int | None = None) -> None:
        """Note a finding."""
        self.finding_count += 1
        if len(self.findings) < 100:
            self.findings.append(Finding(detail, leaf))

    def sentences(self) -> list[str]:
        """The report in plain words, for a terminal."""
        said = [finding.detail for finding in self.findings]
        if self.finding_count > len(said):
            said.append(f"… and {self.finding_count - len(said)} findings more.")
        said.append(
            f"{self.origin}: {self.size} sealed entries, {self.checkpoints} checkpoints, "
            f"root {self.root.hex()}; {self.unsealed} not sealed yet, {self.erased} with an erased payload."
        )
        if self.completeness_proven:
            said.append(f"The outside checkpoint proves the first {self.proven_size} entries complete.")
        else:
            said.append(
                "Completeness is unproven: whoever holds the database and its key could have cut or "
                "rewritten the log. Verify against a checkpoint that was kept elsewhere."
            )
        said.append("Nothing was altered." if self.ok else f"{self.finding_count} findings.")
        return said
