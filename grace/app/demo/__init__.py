"""`grace demo`: one job from lead to cash, driven over HTTP as people, clients and a payer's browser would.

`story` is the job, played by `grace.app.actors`; `run` makes the workspace and proves the books.
Every request is repeated with its own Idempotency-Key until it is answered, so that any process may die meanwhile.
"""
