"""The verbs of governance, a file for each way of use: perform, vote, policy, rates."""
