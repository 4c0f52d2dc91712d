"""The sandbox driven over the loopback by the real Stripe SDK; every answer is checked against the
contract.
"""
