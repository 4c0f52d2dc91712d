"""Binds each port to a vendor's adapter: the only module that may import one."""
