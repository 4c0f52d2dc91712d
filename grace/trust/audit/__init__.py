"""The audit log: who did what, on what, why, before and after; tamper-evident.

Nouns: entry (a header without personal data, and a commitment to its salted payload), leaf (an entry's place
in the tree), checkpoint (a signed tree head). Verbs: `service.record`, `service.erase_payload`,
`sealing.seal`. Question: `verifier.verify`. The bytes are specified in `docs/audit-format.md`.
Invariants: an entry commits with the change it tells of; sealed entries are never changed, removed or
reordered without `verify` saying so; erasing a payload breaks no proof.
"""
