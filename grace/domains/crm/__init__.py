"""Clients, leads, interactions and the pipeline."""
