"""The scan: reads the data within limits, runs every check on every text, and concludes."""

from collections.abc import Iterable, Mapping

from grace.trust.hunter.rules.addresses import check_addresses
from grace.trust.hunter.rules.characters import check_characters
from grace.trust.hunter.rules.findings import Finding, Scan, ScanKind, Severity, conclude
from grace.trust.hunter.rules.injections import check_injections
from grace.trust.hunter.rules.leaks import check_secrets
from grace.trust.hunter.rules.links import check_links
from grace.trust.hunter.rules.reading import Field, read_fields

MAX_FINDINGS = 200


def scan(kind: ScanKind | str, data: Mapping[str, object], *, own_domains: Iterable[str] = ()) -> Scan:
    """Look through all texts of `data` (nested mappings and lists too; what is not text is passed over).

    `own_domains` are the workspace's own, which nobody else may imitate. The work is bounded: what lies
    beyond the limits is not read, and a finding says so. An unknown `kind` raises ValueError.
    """
    kind = ScanKind(kind)
    own = frozenset(domain.lower() for domain in own_domains)
    findings: list[Finding] = []
    for field in read_fields(data):
        if field.cut:
            findings.append(_not_read(field))
        if field.text:
            findings.extend(_check(field, kind=kind, own=own))
        if len(findings) >= MAX_FINDINGS:
            break
    return conclude(kind, findings[:MAX_FINDINGS])


def _check(field: Field, *, kind: ScanKind, own: frozenset[str]) -> Iterable[Finding]:
    yield from check_characters(field)
    yield from check_addresses(field, own_domains=own)
    yield from check_links(field, kind=kind, own_domains=own)
    yield from check_injections(field, kind=kind)
    yield from check_secrets(field)


def _not_read(field: Field) -> Finding:
    return Finding(
        code="not_all_read",
        severity=Severity.MEDIUM,
        field=field.name,
        start=len(field.text),
        end=len(field.text),
        excerpt="",
        why="There is more text than a scan reads; the rest was not looked at.",
        advice="Send less text, or have a person read the rest.",
    )
