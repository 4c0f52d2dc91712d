"""Card payments at a provider: the port, and one file per vendor."""
