"""The hunter's checks, one kind per file, and the scan that runs them. Pure functions."""
