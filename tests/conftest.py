"""What every test may use; the fixtures themselves live in tests/fixtures/."""

pytest_plugins = ["tests.fixtures.postgres", "tests.fixtures.workspace", "tests.fixtures.api"]
