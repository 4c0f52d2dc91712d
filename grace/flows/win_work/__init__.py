"""From a qualified lead to a signed contract: proposal written, sent, accepted, contract signed."""
