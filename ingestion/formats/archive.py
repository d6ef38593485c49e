"""Zip archives, read in memory with limits: nothing is ever unpacked onto the disk.

In: the bytes or the path of one archive. Out: its files by name, and what was left out. Reading their cells
is the task of the other formats.

What somebody who unpacks would have to fear (absolute paths, `..`, links) is refused, and so is an encrypted
member: without it the rest is not the whole export. Archives within archives are left out and named.
"""

import hashlib
import io
import stat
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from ingestion.export_fault import ExportFault
from ingestion.formats.text import EXPORT_AGAIN

SIGNATURE = b"PK\x03\x04"
_LARGEST_MEMBER = 1024**3
_LARGEST_ARCHIVE = 4 * 1024**3
_LARGEST_RATIO = 200
_SMALL_MEMBER = 50 * 1024**2
_MOST_MEMBERS = 20_000
_ENCRYPTED = 0x1
_CHUNK_BYTES = 1 << 20
# What the operating systems put beside the files that somebody zips.
_LITTER = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")


@dataclass(frozen=True)
class Unpacked:
    """The files of an archive.

    Attributes:
        members: Their bytes by name, in name order.
        left_out: Names of the other members.
    """

    members: dict[str, bytes]
    left_out: tuple[str, ...]


def read_members(data: bytes, file: str, suffix: str = ".csv") -> dict[str, bytes]:
    """Reads the members of an archive's top folder that end in a suffix, in name order.

    Args:
        data: The archive's bytes.
        file: The archive's name, for messages.
        suffix: Ending of the members wanted, lower case.

    Raises:
        ExportFault: The archive is cut off, damaged, encrypted, or unpacks to more than is plausible.
    """
    with checked_archive(data, file) as archive:
        return {
            member.filename: archive.read(member)
            for member in sorted(archive.infolist(), key=lambda member: member.filename)
            if member.filename.lower().endswith(suffix) and len(PurePosixPath(member.filename).parts) == 1
        }


def unpack(data: bytes | Path, file: str, suffixes: Collection[str]) -> Unpacked:
    """Reads every member, at any depth, that ends in one of some suffixes.

    Args:
        data: The archive's path, or its bytes.
        file: The archive's name, for messages.
        suffixes: Endings of the members wanted, lower case.

    Raises:
        ExportFault: As `read_members`; a member wanted is encrypted, a link, or leads out of the archive; or
            no member is wanted.
    """
    members: dict[str, bytes] = {}
    left_out: list[str] = []
    with checked_archive(data, file) as archive:
        for member in sorted(archive.infolist(), key=lambda member: member.filename):
            name = member.filename
            if member.is_dir() or set(_LITTER) & set(PurePosixPath(name).parts):
                continue
            if not name.lower().endswith(tuple(suffixes)):
                left_out.append(name)
                continue
            if why := "twice in it" if name in members else _why_unsafe(member):
                raise ExportFault(file, f"its member {name} is {why}", "zip the exports themselves, plainly")
            members[name] = archive.read(member)
    if not members:
        raise ExportFault(
            file,
            f"the archive holds no file that ends in {' or '.join(sorted(suffixes))}"
            + (f", but {', '.join(left_out[:5])}" if left_out else ""),
            "zip the exports themselves, not archives of them",
        )
    return Unpacked(members, tuple(left_out))


def member_hashes(data: bytes | Path, file: str, folder: str) -> dict[str, tuple[str, int]]:
    """SHA-256 and size of the files in one folder of an archive, by name.

    Args:
        data: The archive's path, or its bytes.
        file: The archive's name, for messages.
        folder: A folder at the archive's top.

    Raises:
        ExportFault: As `read_members`.
    """
    found: dict[str, tuple[str, int]] = {}
    with checked_archive(data, file) as archive:
        for member in archive.infolist():
            path = PurePosixPath(member.filename)
            if len(path.parts) == 2 and path.parts[0] == folder and not member.is_dir():
                digest = hashlib.sha256()
                with archive.open(member) as stream:
                    while chunk := stream.read(_CHUNK_BYTES):
                        digest.update(chunk)
                found[path.name] = (digest.hexdigest(), member.file_size)
    return found


@contextmanager
def checked_archive(data: bytes | Path, file: str) -> Iterator[zipfile.ZipFile]:
    """An open archive whose declared sizes are plausible.

    A header that lies about a size is met by the checksum when the member is read, never by reading on.

    Args:
        data: The archive's path, or its bytes.
        file: The archive's name, for messages.

    Raises:
        ExportFault: As `read_members`, also for what is read from the archive within the context.
    """
    try:
        with zipfile.ZipFile(data if isinstance(data, Path) else io.BytesIO(data)) as archive:
            _check_sizes(archive, file)
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ExportFault(file, "the archive was cut off or is damaged", EXPORT_AGAIN) from error
    except (RuntimeError, NotImplementedError) as error:
        raise ExportFault(
            file, "the archive is encrypted or packed in an unknown way", "export it again without a password"
        ) from error


def _check_sizes(archive: zipfile.ZipFile, file: str) -> None:
    members = archive.infolist()
    remedy = "check where the archive comes from, and split the export by date if it is genuine"
    for member in members:
        size, ratio = member.file_size, member.file_size / max(member.compress_size, 1)
        if size > _LARGEST_MEMBER or (size > _SMALL_MEMBER and ratio > _LARGEST_RATIO):
            message = f"its member {member.filename} unpacks to an implausible {size // 1024**2} MiB"
            raise ExportFault(file, message, remedy)
    whole = sum(member.file_size for member in members)
    if whole > _LARGEST_ARCHIVE or len(members) > _MOST_MEMBERS:
        message = f"it unpacks to an implausible {len(members)} files of {whole // 1024**2} MiB together"
        raise ExportFault(file, message, remedy)


def _why_unsafe(member: zipfile.ZipInfo) -> str:
    path = PurePosixPath(member.filename.replace("\\", "/"))
    if path.is_absolute() or PureWindowsPath(member.filename).drive or ".." in path.parts:
        return "under a path that leads out of the archive"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "a link"
    return "encrypted" if member.flag_bits & _ENCRYPTED else ""
