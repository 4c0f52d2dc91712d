"""Benchmarks: `python -m bench [name …]`. Each module here with `async def run(report)` is one; see measure.py."""
