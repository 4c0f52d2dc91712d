"""The ledger: double entry in minor units, exact under concurrency, never edited.

Nouns: account (one purpose, owner and currency), posting (a balanced set of lines under a unique business
reference), entry (one line of a posting, for ever), hold (money reserved until it is settled, released or
expires). Verbs: `service.post`, `post_many`, `reserve`, `settle`, `release`, `expire_due`. Questions:
`queries.balance`, `owner_balances`, `statement`, `trial_balance`; `check.check` proves the books.

A line is positive for a debit and negative for a credit; a balance stands on its account's normal side, so
that what a client owes and what was earned are both positive. Invariants, kept by the database: the lines of
a posting sum to zero in each currency; postings and entries are never changed or deleted; an account with a
floor never falls below what is held of it; a reference is posted once.
"""
