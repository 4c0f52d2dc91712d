"""Passwords: argon2id, at most two at a time, off the event loop."""

import asyncio
import os
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_MEMORY_KIB, _ROUNDS, _LANES = 47_104, 1, 1
"""OWASP's first choice for argon2id: the memory is what costs a guesser."""

_hasher = PasswordHasher(memory_cost=_MEMORY_KIB, time_cost=_ROUNDS, parallelism=_LANES)
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")


async def hashed(password: str) -> str:
    """The text to store: parameters, salt and hash."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _hasher.hash, password)


async def matches(password: str, stored: str | None) -> bool:
    """Whether it is the password. Without a stored one the same work is done, and the answer is no."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _matches, password, stored)


def _matches(password: str, stored: str | None) -> bool:
    try:
        _hasher.verify(stored or _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def _random(size: int) -> str:
    return b64encode(os.urandom(size)).decode().rstrip("=")


_NOBODY = f"$argon2id$v=19$m={_MEMORY_KIB},t={_ROUNDS},p={_LANES}${_random(16)}${_random(32)}"
"""A hash of no password, to be compared with as if it were one."""
