"""Scope, price, sending, acceptance and contract of an offer."""
