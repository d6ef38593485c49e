"""XML as a tree, refusing what makes XML dangerous: document types and entities.

In: a file's path or bytes. Out: its root element. No form language needs a document type, while one can make
a small file expand without end or name other files of the machine.
"""

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element
from xml.parsers import expat

from ingestion.export_fault import ExportFault

LINE = "{sitewise}line"
_PIECE = 1 << 20
_DEEPEST = 200


def parse_xml(data: Path | bytes, file: str) -> Element:
    """Parses one XML document.

    Args:
        data: The file's path, or its bytes.
        file: The file's name, for messages.

    Returns:
        The root element; names of elements are `{namespace}name`. The attribute `LINE` of every element says
        on which line it begins.

    Raises:
        ExportFault: It is not well-formed, declares a document type or entities, or nests too deeply.
    """
    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise _refused(file, parser, f"its elements nest more than {_DEEPEST} deep")
        named = {_name(key): value for key, value in attributes.items()}
        builder.start(_name(name), named | {LINE: str(parser.CurrentLineNumber)})

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(_name(name))

    def refuse(*_: Any) -> None:
        raise _refused(file, parser, "it declares a document type or entities, which no form needs")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    content = data.read_bytes() if isinstance(data, Path) else data
    try:
        for at in range(0, len(content), _PIECE):
            parser.Parse(content[at : at + _PIECE], False)
        parser.Parse(b"", True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        reason = expat.ErrorString(error.code) if isinstance(error, expat.ExpatError) else "unknown encoding"
        where = f"line {parser.CurrentLineNumber}"
        raise ExportFault(
            file,
            f"it is not well-formed XML on {where}: {reason}",
            "download the file again; if it was edited by hand, mend that line",
        ) from error
    return builder.close()


def _name(name: str) -> str:
    return "{" + name if "}" in name else name


def _refused(file: str, parser: expat.XMLParserType, message: str) -> ExportFault:
    return ExportFault(
        file,
        f"{message} (line {parser.CurrentLineNumber})",
        "export the file again from the survey platform itself",
    )
