"""Starts things: web, worker, command line, settings, wiring."""
