"""Clients: the list, and one client's whole story."""
