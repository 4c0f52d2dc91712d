"""Payments: money that a client gave towards an invoice.

Nouns: payment (paid; by card also pending, failed, refunded). Verb: `service.record_payment`. Fact:
PaymentReceived. Each payment is booked from a clearing account named after its method to the client's
receivable, and its part without tax becomes revenue. Each carries a `verification_signature` of the
workspace's audit key over its facts (`rules.statement`), which anybody can verify who has the public key.
Invariants, kept by the database: amounts are positive; a payment is never changed, only its status moves on;
a reference counts once for an invoice and method.
"""
