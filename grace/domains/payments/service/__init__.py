"""The verbs of payments, the only writers of its tables; one file per noun."""
