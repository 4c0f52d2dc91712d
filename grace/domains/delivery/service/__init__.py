"""The verbs of delivery, the only writers of its tables."""
