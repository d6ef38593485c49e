"""Bytes to text, strictly, in the encoding that sources.yml declares.

In: a file's bytes. Out: its text, or a fault that says where the bytes do not fit. Cells are not known here.
"""

from ingestion.export_fault import ExportFault

EXPORT_AGAIN = "export the file again and replace it"


def decode(data: bytes, file: str, encoding: str) -> str:
    """Decodes a text file.

    Args:
        data: The file's bytes.
        file: The file's name, for messages.
        encoding: Encoding declared in sources.yml; a byte order mark is tolerated.

    Raises:
        ExportFault: It is cut off within a character, of another encoding, or no text at all.
    """
    if data.startswith(b"PK\x03\x04"):
        raise ExportFault(
            file,
            "it is an Excel workbook or another archive, not text",
            "export it as CSV and drop that instead",
        )
    try:
        text = data.decode(encoding)
    except LookupError as error:
        raise ExportFault(
            file,
            f"the encoding '{encoding}' is unknown",
            "write a known one under `encoding:` in sources.yml",
        ) from error
    except UnicodeDecodeError as error:
        if "unexpected end" in error.reason:
            raise cut_off(file, "it ends within a character") from error
        line = data.count(b"\n", 0, error.start) + 1
        raise ExportFault(
            file,
            f"byte {error.start} on line {line} is not {encoding} text",
            "name the file's true encoding under `encoding:` in sources.yml, e.g. windows-1252 or utf-16, "
            "or export the file again as UTF-8",
        ) from error
    text = text.removeprefix("\ufeff")
    if "\0" in text:
        raise ExportFault(
            file,
            f"it holds a NUL character on line {text.count(chr(10), 0, text.index(chr(0))) + 1}, so it is "
            f"damaged or not {encoding} text",
            "export the file again, or name its true encoding under `encoding:` in sources.yml, e.g. utf-16",
        )
    return text


def cut_off(file: str, sign: str) -> ExportFault:
    """The fault of a file that ends too early, with the sign by which that was seen."""
    return ExportFault(file, f"the file was cut off: {sign}", EXPORT_AGAIN)
