"""Figures that are ready: rows behind them, sums by hour, day and month, folded from the facts and the ledger.

Reads everything, writes only its own tables. A figure is one line of `figures.REGISTRY`; whatever shows it (a door, an
export, its rows) computes it from there. Folding is the worker's; reading adds what is not folded yet, so that a
figure never lags behind its fact and nothing is cached.
"""
