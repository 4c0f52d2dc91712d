"""Receipts: one noun's entries of the audit log as a file that a stranger verifies without Grace.

Any noun that the log tells of has one: a payment with its signature, a decision with its arguments and votes, a
proposal or contract with its text, all bound to a signed checkpoint. The form is in `docs/proofs.md`; nothing stands in
a receipt that `docs/verify.py` does not recompute.
"""
