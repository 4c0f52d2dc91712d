"""Payments: money that a client gave towards an invoice, by hand or by card, and money that goes back.

Nouns: payment (paid → refunded), attempt (one try to collect by card: pending → requires_payment_method,
requires_action, processing → succeeded, canceled or refused; one open per invoice), provider call (written before it
is made: pending → done or refused; unknown → case → dropped), stored method, refund with its parts (pending →
succeeded or failed), webhook endpoint. Verbs in `service/`: `received.record_payment`, `cards` (begin, observe,
collected, book_fee), `calls` (order, take, make, settle), `methods`, `refunds`, `endpoints`. Action: `refund_payment`.
Facts: PaymentReceived, AttemptChanged, Overpaid, RefundOrdered, RefundSucceeded, RefundFailed.

Each payment is booked from a clearing account (named after its method, or after its provider) to the client's
receivable, and its part without tax becomes revenue; each carries a `verification_signature` of the workspace's audit
key over its facts (`rules.statement`), which anybody can verify who has the public key. What a card brought beyond
what was due is the excess of its attempt and the client's credit, until it goes back or is spent.

Invariants, kept by the database: amounts are positive; a payment is never changed, only its status moves on; a
reference counts once for an invoice and method; an attempt that ended stays ended, unless money came after all; of an
excess never more goes back or is spent than there was; a call is repeated exactly as it was written, under one key;
what is ordered back never exceeds what was paid.
"""
