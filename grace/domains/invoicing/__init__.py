"""Invoices: drafted, issued with a gapless number, paid in parts or at once, or void.

Nouns: invoice (draft → issued → part_paid → paid; draft or issued → void), line, series (a pattern of
numbers, a setting). Verbs: `invoices.draft_invoice`, `revise_draft`, `issue_invoice`, `void_invoice`,
`settle_invoice`. Facts: InvoiceDrafted, InvoiceIssued, InvoicePartPaid, InvoicePaid, InvoiceVoided.

Amounts are minor units of the invoice's currency. Invariants, kept by the database: the total is net plus
tax; no more is paid than the total; the state follows what is paid; a number is given at issue, one by one
in its series, and kept for ever; an issued invoice and its lines are frozen. In the ledger an issued invoice
is a receivable against unpaid revenue and tax; revenue counts in the proportion in which it is paid.
"""
