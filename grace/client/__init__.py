"""The Python client library, over HTTP."""
