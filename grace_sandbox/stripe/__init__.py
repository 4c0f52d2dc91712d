"""The Stripe part: objects, state machines, idempotency, signed webhooks and test cards, API
2026-10-28.endive.

Every account is `sk_test_<account>` with `pk_test_<account>`. Each resource is one module of operations;
`wire` carries a request through key, contract, faults and idempotency to its operation in one SQLite
transaction.
"""
