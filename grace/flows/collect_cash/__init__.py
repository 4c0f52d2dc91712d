"""Collecting cash: a client is invoiced, the payment settles the invoice, the client's lifetime value follows.

`service` tells the story; `api` has its doors; `reactions` what follows from its facts.
"""
