"""The ledger in the console: what stands, what moved an account, and whether the processor agrees."""
