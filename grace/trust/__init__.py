"""What must be right: identity, governance, audit, ledger."""
