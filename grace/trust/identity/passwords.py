"""Passwords: argon2id (RFC 9106, the low-memory choice), at most two at a time, off the event loop."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher()
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")
"""Each hash takes 64 MiB while it is made."""


async def hashed(password: str) -> str:
    """The text to store: parameters, salt and hash."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _hasher.hash, password)


async def matches(password: str, stored: str | None) -> bool:
    """Whether it is the password. Without a stored one the same work is done, and the answer is no."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _matches, password, stored)


def _matches(password: str, stored: str | None) -> bool:
    try:
        _hasher.verify(stored or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


@cache
def _nobody() -> str:
    """A hash that no password is known for."""
    return _hasher.hash("there is no such user")
