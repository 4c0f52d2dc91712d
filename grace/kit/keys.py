"""Keys derived from the one master key (HKDF-SHA256), and sealing with AES-256-GCM."""

import hmac
import os
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12


class OtherKey(ValueError):
    """What is sealed was sealed under another master key, or for another place, or was changed."""

    def __init__(self) -> None:
        super().__init__(
            "What is stored here cannot be opened with this master key: it was sealed under another, or changed."
            " Put the right key in place (GRACE_MASTER_KEY_FILE, or master.key in the data directory);"
            " `grace doctor` says which workspaces it opens."
        )


class Keys:
    """The keys of one workspace. Each purpose has a key of its own; none is ever stored."""

    def __init__(self, master: bytes, workspace: str) -> None:
        self._master = master
        self._workspace = workspace
        self._derived: dict[str, bytes] = {}
        self._ciphers: dict[str, AESGCM] = {}

    def key(self, purpose: str) -> bytes:
        """The 256-bit key for `purpose` ("answers", "links", "signing", …) in this workspace."""
        if purpose not in self._derived:
            info = f"grace/1/{self._workspace}/{purpose}".encode()
            self._derived[purpose] = HKDF(SHA256(), 32, salt=None, info=info).derive(self._master)
        return self._derived[purpose]

    def seal(self, purpose: str, plain: bytes, *, bound_to: bytes = b"") -> bytes:
        """Encrypt; `bound_to` must be given again to open, so that a value cannot be moved elsewhere."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher(purpose).encrypt(nonce, plain, bound_to)

    def open(self, purpose: str, sealed: bytes, *, bound_to: bytes = b"") -> bytes:
        """Decrypt; OtherKey when the key, the value or the binding is another."""
        try:
            return self._cipher(purpose).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to)
        except InvalidTag:
            raise OtherKey from None

    def _cipher(self, purpose: str) -> AESGCM:
        if purpose not in self._ciphers:
            self._ciphers[purpose] = AESGCM(self.key(purpose))
        return self._ciphers[purpose]

    def mac(self, purpose: str, *parts: str) -> bytes:
        """A 256-bit HMAC over the parts, each length-prefixed."""
        body = b"".join(len(p.encode()).to_bytes(4) + p.encode() for p in parts)
        return hmac.digest(self.key(purpose), body, sha256)


def load_master_key(path: Path) -> bytes:
    """Read the master key, making it (0600) on the first start. Concurrent first starts agree on one."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(os.urandom(32).hex() + "\n")
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    master = bytes.fromhex(path.read_text().strip())
    if len(master) != 32:
        raise ValueError(f"{path} does not hold a 256-bit key in hexadecimal")
    return master
