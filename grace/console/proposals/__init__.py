"""Proposals and contracts: the list by state, a new one from a lead, the record, the editor, the contract."""
