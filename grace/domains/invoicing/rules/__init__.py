"""Decisions about invoices: totals, numbers, what is due. All pure."""
