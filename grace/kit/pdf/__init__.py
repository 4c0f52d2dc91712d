"""Business documents as PDF: invoice, receipt, statement, proposal, contract. Set by typst, with its own fonts only.

The same document always gives the same bytes. Nothing that a user writes is ever typst code: the templates are fixed
files, and the document reaches them as JSON.
"""
