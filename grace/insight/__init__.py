"""Reads everything, writes only its own tables."""
