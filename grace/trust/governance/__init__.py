"""Governance: every action that matters is judged by a policy before it runs.

Nouns: policy version, decision (with its reasons and votes), exchange rate.
States of a decision: allowed and denied at once; awaiting_approval, and from there executed, rejected,
expired, stale or denied. Each but awaiting_approval is an end.
Verbs: perform, vote, expire_due, activate_policy, install_shipped_policy, import_rates.
Facts: ActionHeld, VoteCast, ActionGranted, ActionDenied, ActionRejected, ActionExpired, ActionStale,
PolicyActivated.

Invariants: a held action runs at most once, with exactly the arguments that were held, on the state that was
judged, and only while the policy of that moment allows it with the quorums that were met; the proposer's vote
never counts, save in a Parliament of one; whatever is missing, mistyped or unreadable denies.
"""
