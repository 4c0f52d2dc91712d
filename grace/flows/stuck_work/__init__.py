"""Stuck work: reactions and jobs that ran out of attempts, and another round for them."""
