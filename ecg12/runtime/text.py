"""Text that comes from anywhere: bytes of unknown encoding."""

import codecs

MARKS = {  # UTF-32 first: its mark begins with that of UTF-16
    codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32", codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip


def marked_encoding(head: bytes) -> str:
    """Return the encoding that the first bytes of a text show, by a mark or zero bytes; or ""."""
    for mark, name in MARKS.items():
        if head.startswith(mark):
            return name
    if b"\0" in head[:2]:
        return "utf-16-le" if head[0] else "utf-16-be"
    return ""


def decode(data: bytes) -> str:
    """Decode a text, whatever it is: no byte order mark stays in it.

    UTF-16 and UTF-32 are known by their mark, UTF-16 also by its zero bytes. Others are UTF-8, or
    else Windows' code page 1252, or ISO 8859-1 where a byte has no meaning in that.
    """
    if marked := marked_encoding(data[:4]):
        return data.decode(marked, errors="replace")
    for encoding in ("utf-8", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def storable(text: str) -> str:
    """Return a text that UTF-8 can hold: broken characters of a file's name become escapes."""
    return text.encode(errors="backslashreplace").decode()
