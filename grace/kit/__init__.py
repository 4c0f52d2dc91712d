"""No business at all: money, transactions, the edge, errors, facts, jobs, clock, ids."""
