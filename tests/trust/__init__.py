"""Tests of what must be right."""
