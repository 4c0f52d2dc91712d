"""The verbs of identity, the only writers: people, keys, sessions, passwords, bootstrap."""
