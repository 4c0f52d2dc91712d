"""Pure rules of the audit log: canonical bytes, the tree, signed checkpoints, what may enter a payload."""
