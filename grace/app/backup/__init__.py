"""A workspace in one file, and back: made from one snapshot, proven before it is used again."""
