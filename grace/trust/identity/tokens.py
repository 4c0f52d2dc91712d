"""Tokens: 256 random bits behind the workspace's handle; only a hash is ever stored."""

import secrets
from hashlib import sha256


def new_key(handle: str) -> str:
    """An API key, `grc_<handle>_<secret>`."""
    return f"grc_{handle}_{secrets.token_urlsafe(32)}"


def new_token(handle: str) -> str:
    """A session's cookie or a sign-in link's token, `<handle>.<secret>`."""
    return f"{handle}.{secrets.token_urlsafe(32)}"


def token_hash(token: str) -> bytes:
    """What is stored and looked up."""
    return sha256(token.encode()).digest()
