"""The story of the flows, as far as a project."""

from tests.flows.conftest import story  # noqa: F401
