"""Payments and refunds in the console."""
