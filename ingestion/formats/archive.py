"""Zip archives, read in memory with limits: nothing is ever unpacked onto the disk.

In: the bytes of one archive. Out: its text files by name. Reading their cells is `delimited`'s task.
"""

import io
import zipfile
import zlib
from pathlib import PurePosixPath

from ingestion.export_fault import ExportFault
from ingestion.formats.text import EXPORT_AGAIN

_LARGEST_MEMBER = 1024**3
_LARGEST_RATIO = 200
_SMALL_MEMBER = 50 * 1024**2


def read_members(data: bytes, file: str, suffix: str = ".csv") -> dict[str, bytes]:
    """Reads the members of an archive's top folder that end in a suffix, in name order.

    Args:
        data: The archive's bytes.
        file: The archive's name, for messages.
        suffix: Ending of the members wanted, lower case.

    Raises:
        ExportFault: The archive is cut off, damaged, encrypted, or unpacks to more than is plausible.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {
                member.filename: _read(archive, member, file)
                for member in sorted(archive.infolist(), key=lambda member: member.filename)
                if member.filename.lower().endswith(suffix) and len(PurePosixPath(member.filename).parts) == 1
            }
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ExportFault(file, "the archive was cut off or is damaged", EXPORT_AGAIN) from error
    except (RuntimeError, NotImplementedError) as error:
        raise ExportFault(
            file, "the archive is encrypted or packed in an unknown way", "export it again without a password"
        ) from error


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, file: str) -> bytes:
    ratio = member.file_size / max(member.compress_size, 1)
    if member.file_size > _LARGEST_MEMBER or (member.file_size > _SMALL_MEMBER and ratio > _LARGEST_RATIO):
        raise ExportFault(
            file,
            f"its member {member.filename} unpacks to an implausible {member.file_size // 1024**2} MiB",
            "check where the archive comes from, and split the export by date if it is genuine",
        )
    # A header that lies about the size is met by the checksum, never by reading on.
    with archive.open(member) as stream:
        return stream.read(member.file_size)
