"""Bytes to text, strictly, in the encoding that sources.yml declares.

In: a file's bytes. Out: its text, or a fault that says where the bytes do not fit; for readers that can leave
single rows out, UTF-8 in which whatever was no text stays no text. Cells are not known here.
"""

import codecs
from dataclasses import dataclass
from pathlib import Path

from ingestion.export_fault import ExportFault
from ingestion.formats.content import Content, in_file, in_memory

EXPORT_AGAIN = "export the file again and replace it"
# Stands for bytes that are no text: a half of a surrogate pair, which text never holds.
NO_TEXT = "\udc80"
_ARCHIVE = b"PK\x03\x04"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LONGEST_CHARACTER = 4

codecs.register_error("sitewise-no-text", lambda error: (NO_TEXT, getattr(error, "end", 0)))


@dataclass(frozen=True)
class Utf8:
    """A file's text as UTF-8; what was no text in its own encoding is not UTF-8 either.

    Attributes:
        content: The bytes.
        start: Where the text begins.
        first_fault: Byte and line of the first that is no text, where the file is of another encoding.
    """

    content: Content
    start: int
    first_fault: tuple[int, int] | None = None


def as_utf8(data: bytes | Path, file: str, encoding: str) -> Utf8:
    """A file's text without reading more of it than must be; raises ExportFault as `decode` does.

    Args:
        data: The file's path, or its bytes.
        file: The file's name, for messages.
        encoding: Encoding declared in sources.yml; a byte order mark is tolerated.
    """
    content = in_file(data) if isinstance(data, Path) else in_memory(data)
    _refuse_archive(content.read(0, len(_ARCHIVE)), file)
    if _codec(file, encoding).name in ("utf-8", "utf-8-sig"):
        if _ends_within_character(content.read(max(content.size - _LONGEST_CHARACTER, 0), content.size)):
            raise cut_off(file, "it ends within a character")
        has_mark = content.read(0, len(_BYTE_ORDER_MARK)) == _BYTE_ORDER_MARK
        return Utf8(content, len(_BYTE_ORDER_MARK) if has_mark else 0)
    raw = content.read(0, content.size)
    fault = None
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        fault = error.start, raw.count(b"\n", 0, error.start) + 1
        text = raw.decode(encoding, "sitewise-no-text")
    return Utf8(in_memory(text.removeprefix("\ufeff").encode("utf-8", "surrogatepass")), 0, fault)


def as_text(utf8: Utf8) -> str:
    """The whole text, `NO_TEXT` where it is none."""
    return utf8.content.read(utf8.start, utf8.content.size).decode("utf-8", "sitewise-no-text")


def not_text(file: str, byte: int, line: int, encoding: str) -> ExportFault:
    """The fault of a file whose bytes are not of the encoding declared."""
    return ExportFault(
        file,
        f"byte {byte} on line {line} is not {encoding} text",
        "name the file's true encoding under `encoding:` in sources.yml, e.g. windows-1252 or utf-16, "
        "or export the file again as UTF-8",
    )


def holds_nul(file: str, line: int, encoding: str) -> ExportFault:
    """The fault of a file with a NUL character."""
    return ExportFault(
        file,
        f"it holds a NUL character on line {line}, so it is damaged or not {encoding} text",
        "export the file again, or name its true encoding under `encoding:` in sources.yml, e.g. utf-16",
    )


def decode(data: bytes, file: str, encoding: str) -> str:
    """Decodes a text file.

    Args:
        data: The file's bytes.
        file: The file's name, for messages.
        encoding: Encoding declared in sources.yml; a byte order mark is tolerated.

    Raises:
        ExportFault: It is cut off within a character, of another encoding, or no text at all.
    """
    _refuse_archive(data, file)
    _codec(file, encoding)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if "unexpected end" in error.reason:
            raise cut_off(file, "it ends within a character") from error
        raise not_text(file, error.start, data.count(b"\n", 0, error.start) + 1, encoding) from error
    text = text.removeprefix("\ufeff")
    if "\0" in text:
        raise holds_nul(file, text.count("\n", 0, text.index("\0")) + 1, encoding)
    return text


def cut_off(file: str, sign: str) -> ExportFault:
    """The fault of a file that ends too early, with the sign by which that was seen."""
    return ExportFault(file, f"the file was cut off: {sign}", EXPORT_AGAIN)


def _refuse_archive(data: bytes, file: str) -> None:
    if data.startswith(_ARCHIVE):
        raise ExportFault(
            file,
            "it is an Excel workbook or another archive, not text",
            "export it as CSV and drop that instead",
        )


def _codec(file: str, encoding: str) -> codecs.CodecInfo:
    try:
        # Codecs that turn no text into bytes, such as rot13, are no encodings.
        "a".encode(encoding)
        return codecs.lookup(encoding)
    except LookupError as error:
        raise ExportFault(
            file,
            f"the encoding '{encoding}' is unknown",
            "write a known one under `encoding:` in sources.yml",
        ) from error


def _ends_within_character(tail: bytes) -> bool:
    """Whether the last bytes begin a character of UTF-8 and do not end it."""
    for place in range(len(tail) - 1, -1, -1):
        if tail[place] & 0xC0 != 0x80:
            try:
                return codecs.utf_8_decode(tail[place:], "strict", False)[1] < len(tail) - place
            except UnicodeDecodeError:
                return False
    return False
