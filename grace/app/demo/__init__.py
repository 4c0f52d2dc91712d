"""`grace demo`: one job from lead to cash, driven over HTTP as people, clients and a payer's browser would.

`story` is the job; `run` makes the workspace, finds or starts Grace, and proves the books; `browser` pays.
Every request is repeated with its own Idempotency-Key until it is answered, so that any process may die meanwhile.
"""
