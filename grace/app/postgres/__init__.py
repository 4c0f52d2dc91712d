"""The embedded PostgreSQL: its binaries, its home on disk, and how it is started, found and stopped."""
