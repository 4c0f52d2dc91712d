"""The hunter: looks through client data, generated text and deliverables for what could deceive or harm.

It reads and judges; it changes and stores nothing. `rules.scan.scan` is the way in. The severity and the
score of its answer, a `Scan`, go to the policy as context.
"""
