"""The outside world: one port and one file per vendor."""
