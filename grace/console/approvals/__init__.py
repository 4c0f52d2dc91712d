"""Approvals: what waits for a vote, with everything beside the button, and what was decided."""
