"""The verbs of governance: perform, vote, expire_due, activate_policy, install_shipped_policy, import_rates."""
