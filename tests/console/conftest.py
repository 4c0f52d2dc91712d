"""The owner at their browser."""

import httpx
import pytest

from grace.trust.identity.rules import Role
from tests.fixtures.office import People, Person


@pytest.fixture
async def boss(office: People) -> Person:
    return await office.user(Role.OWNER)


@pytest.fixture
async def browser(office: People, boss: Person) -> httpx.AsyncClient:
    browser = await office.signed_in(boss)
    browser.headers.update({"Accept": "text/html", "Origin": "http://127.0.0.1:8005"})
    return browser
