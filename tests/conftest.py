"""What every test may use; the fixtures themselves live in tests/fixtures/."""

from hypothesis import settings

pytest_plugins = [
    "tests.fixtures.postgres",
    "tests.fixtures.workspace",
    "tests.fixtures.logins",
    "tests.fixtures.api",
    "tests.fixtures.cards",
    "tests.fixtures.running",
    "tests.fixtures.browser",
    "tests.fixtures.office",
    "tests.fixtures.statements",
]

# A busy machine is no failure: time limits are stated where they are meant, in processor time.
settings.register_profile("grace", deadline=None)
settings.load_profile("grace")
