"""Decisions about proposals and contracts. Pure functions."""
