"""The CRM over the wire."""
