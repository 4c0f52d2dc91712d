"""The file of a backup: an uncompressed ZIP of its parts, the manifest last, whose last line is the hash of the rest.

Any ZIP program opens it. A file that was cut or changed anywhere is refused before anything of it is used, and one
that is being written has another name until it is whole.
"""

import errno
import fcntl
import json
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, BinaryIO, Self

from grace.app.backup.errors import Damaged, Refused

MANIFEST = "manifest.json"
MARK = b"sha256:"
HEX = 64
CHUNK = 1 << 20
LARGEST_MANIFEST = 16 << 20
PART_OF_ONE_BEING_WRITTEN = ".grace-backup-*.part"

Told = Callable[[int], None]


class Writer:
    """Writes parts one after the other and keeps their sizes and hashes for the manifest. A context manager."""

    def __init__(self, file: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True)
        self.parts: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._zip.fp = None  # it would write its end into a file that is given up

    @contextmanager
    def part(self, name: str) -> Iterator[Callable[[bytes], None]]:
        """Write a part piece by piece."""
        digest, size = sha256(), 0
        with self._zip.open(zipfile.ZipInfo(name), "w", force_zip64=True) as target:

            def write(piece: bytes) -> None:
                nonlocal size
                digest.update(piece)
                size += len(piece)
                target.write(piece)

            yield write
        self.parts.append({"name": name, "size": size, "sha256": digest.hexdigest()})

    def close(self, manifest: Mapping[str, Any]) -> None:
        """Write the manifest; the file is whole once `seal` has added the hash."""
        self._zip.writestr(zipfile.ZipInfo(MANIFEST), json.dumps(manifest, indent=1))
        self._zip.comment = MARK + b"0" * HEX
        self._zip.close()


@contextmanager
def writing(target: Path) -> Iterator[BinaryIO]:
    """A file that only its owner may read, named `target` once it is whole; nothing is left of one that is not."""
    if target.exists():
        raise Refused(f"{target} exists already; a backup overwrites nothing.")
    if not target.parent.is_dir():
        raise Refused(f"There is no folder {target.parent}.")
    sweep(target.parent)
    making = target.parent / PART_OF_ONE_BEING_WRITTEN.replace("*", f"{os.getpid()}-{target.name}")
    handle = os.open(making, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(handle, "w+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
            _seal(file)
            os.fsync(file.fileno())
            _publish(making, target)
    except OSError as error:
        raise Refused(f"{target} cannot be written: {error.strerror}.") from error
    finally:
        making.unlink(missing_ok=True)
    folder = os.open(target.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def _publish(making: Path, target: Path) -> None:
    """Give it its name, overwriting nothing; a file system without links gets a renaming."""
    try:
        os.link(making, target)
    except FileExistsError:
        raise Refused(f"{target} was made by somebody else meanwhile.") from None
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK) or target.exists():
            raise
        making.rename(target)


def sweep(folder: Path) -> None:
    """Remove what killed backups left: files that nobody holds a lock on."""
    for left in folder.glob(PART_OF_ONE_BEING_WRITTEN):
        with left.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            left.unlink(missing_ok=True)


def _seal(file: BinaryIO) -> None:
    file.flush()
    end = file.seek(0, os.SEEK_END) - HEX
    digest = _hash(file, end, lambda _: None)
    file.seek(end)
    file.write(digest.encode())
    file.flush()


def _hash(file: BinaryIO, end: int, tell: Told) -> str:
    file.seek(0)
    digest, left = sha256(), end
    while left and (piece := file.read(min(CHUNK, left))):
        digest.update(piece)
        left -= len(piece)
        tell(len(piece))
    return digest.hexdigest()


class Archive:
    """A backup that was found whole."""

    def __init__(self, path: Path, tell: Told = lambda _: None) -> None:
        """Read it once from end to end; Damaged when it is not as it was written."""
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise Refused(f"{path} cannot be read: {error.strerror}.") from None
        try:
            self._check_whole(tell)
            self.manifest = self._read_manifest()
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    def _check_whole(self, tell: Told) -> None:
        size = self._file.seek(0, os.SEEK_END)
        end = size - HEX
        if end < len(MARK):
            raise Damaged("It is too short to be a backup.")
        self._file.seek(end - len(MARK))
        if self._file.read(len(MARK)) != MARK:
            raise Damaged("It is no backup of Grace, or its end is missing.")
        said = self._file.read(HEX)
        if said != _hash(self._file, end, tell).encode():
            raise Damaged("Its bytes are not those that were written.")

    def _read_manifest(self) -> dict[str, Any]:
        try:
            self._zip = zipfile.ZipFile(self._file)
            if self._zip.getinfo(MANIFEST).file_size > LARGEST_MANIFEST:
                raise Damaged("Its manifest is too large.")
            manifest = json.loads(self._zip.read(MANIFEST))
        except (zipfile.BadZipFile, KeyError, ValueError) as error:
            raise Damaged(f"Its manifest cannot be read ({type(error).__name__}).") from None
        if not isinstance(manifest, dict):
            raise Damaged("Its manifest is no object.")
        return manifest

    def has(self, name: str) -> bool:
        """Whether there is such a part."""
        return name in self._zip.namelist()

    def open(self, name: str) -> IO[bytes]:
        """Read a part."""
        try:
            return self._zip.open(name)
        except KeyError:
            raise Damaged(f"Its part {name} is missing.") from None

    def check_parts(self) -> None:
        """Compare every part with the manifest, which a key of the workspace vouches for."""
        said = {part["name"]: (part["size"], part["sha256"]) for part in self.manifest["parts"]}
        if set(self._zip.namelist()) != {*said, MANIFEST}:
            raise Damaged("Its parts are not those that its manifest names.")
        for name, (size, digest) in said.items():
            if self._zip.getinfo(name).file_size != size:
                raise Damaged(f"Its part {name} has another size than its manifest says.")
            found = sha256()
            with self.open(name) as part:
                while piece := part.read(CHUNK):
                    found.update(piece)
            if found.hexdigest() != digest:
                raise Damaged(f"Its part {name} is not the one that its manifest names.")
