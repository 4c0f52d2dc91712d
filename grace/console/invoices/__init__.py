"""Invoices in the console: lists, the editor, one invoice with its money and history, what can be done to it."""
