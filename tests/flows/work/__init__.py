"""Long work: begun, seen, stopped, taken up again."""
