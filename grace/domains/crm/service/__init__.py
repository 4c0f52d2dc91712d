"""The CRM's verbs, the only writers of its tables."""
