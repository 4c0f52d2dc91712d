"""The verbs of proposals and contracts, the only writers of their tables."""
