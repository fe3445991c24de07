"""Text for people: what may leave through an exit, suggestions for misspelt names, counts and durations in words.

Every exit has one function here, whoever wrote the text: `message` for a terminal, `plain_lines` for documents of
several lines and for the page, `markdown`, `cell` for spreadsheets. `public` takes secrets out for all of them.
"""

from __future__ import annotations

import difflib
import functools
import math
import re
import unicodedata
from collections.abc import Callable, Iterable

#: An address in a text: scheme, account, the rest. An account ends at the last `@` before a slash; one whose password
#: was typed with a slash in it (after the colon stands no port) at the last `@` of the word. Each part is bounded, as
#: anybody may have written the text: what is searched for from every letter must not run to its end.
_ADDRESS = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,30}://)"
    r"(?P<account>[^/\s]{0,4096}@|[^/\s:\[]{1,255}:(?!\d{0,9}(?:[/\s]|\Z))\S{0,1024}@)?"
    r"(?P<rest>[^\s'\"<>]*)"
)
#: An account without a scheme before it, as some take proxies: name:password@host. The digest of an image is no host.
_ACCOUNT = re.compile(r"(?<![\w/@.%~+-])[\w.%~+-]+:[^\s@/:'\"]+@(?!sha(?:256|512):)(?=[\w.-]+(?:[:/]|[\s'\",;)\]]|\Z))")
#: The beginnings by which GitHub, GitLab, PyPI, Hugging Face, npm, Docker, Slack and AWS make their tokens known; and
#: the three parts of a signed token (JWT).
_TOKEN = re.compile(
    r"\b(?:(?:gh[opsur]_|github_pat_|gl(?:pat|dt|cbt|ft|rt)-|pypi-|hf_|npm_|dckr_(?:pat|oat)_|xox[abprs]-)[\w-]{16,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}\b|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*)"
)
#: What of a query or a fragment says which file is meant; all else of it may be a token.
_HARMLESS = re.compile(r"(?:egg|subdirectory|sha256|sha384|sha512|md5|branch|tag|rev)=[\w.+/\[\],:-]*\Z")


#: Seconds; figures that add up to more were made up by a job or a record.
LONGEST_S = 1e9


def printable(text: str, limit: int | None = None) -> str:
    """`text` on one line, with a space for everything that could steer a terminal; at most `limit` characters."""
    return "".join(c if c.isprintable() else " " for c in text)[:limit]


def plain_lines(text: str) -> str:
    """A document of several lines, without what could steer a terminal or turn the direction of letters.

    Whoever makes it answers for its line breaks. Narrow and unbreakable spaces stay: they do nothing.
    """
    return "".join(c if c.isprintable() or c in "\n\t" or unicodedata.category(c) == "Zs" else " " for c in text)


def message(text: str) -> str:
    """One message for a terminal. Of further lines each begins with a bar, so that none of them can pass for another
    message, or for an order to the program that reads them.
    """
    first, *rest = public(text).rstrip("\n").split("\n")
    return "\n".join([printable(first), *(f"  | {printable(line).strip()}" for line in rest)])


def markdown(text: str) -> str:
    """`text` as inert Markdown on one line: no markup, no HTML, no table cell, nobody notified."""
    text = re.sub(r"\s+", " ", plain_lines(text)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"([\\`*_\[\]|~#])", r"\\\1", text)
    return re.sub(r"(@|://|(?<=www)\.)", "\\1\u200b", text)


#: Letters of a text whose answer is kept, and how many are. Tables say the same few things in thousands of rows.
SHORT, KEPT = 200, 4096


def _remembered(make: Callable[[str], str]) -> Callable[[str], str]:
    """`make`, which is asked once for what is short and often said."""
    known = functools.lru_cache(KEPT)(make)

    @functools.wraps(make)
    def found(text: str) -> str:
        return known(text) if len(text) <= SHORT else make(text)

    return found


#: Where a spreadsheet, whatever it takes for the separator, would begin a cell with a formula.
_FORMULA = re.compile(r"(\A|[;\t\n])(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")


@_remembered
def cell(text: str) -> str:
    """The text of a cell that is only text, with an apostrophe wherever a spreadsheet would take it for a formula."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")  # a lone one would end the row: no writer quotes it
    text = plain_lines(text)
    return _FORMULA.sub(r"\1'", f"'{text}" if text[:1] in ("\t", "\n") else text)


def capfirst(text: str) -> str:
    """The beginning of a sentence; all other letters stay as they are."""
    return text[:1].upper() + text[1:]


def one_line(text: str, limit: int = 300) -> str:
    """`text` on one line without what steers a terminal, with a mark where it was cut."""
    line = " ".join(printable(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


@_remembered
def public(text: str) -> str:
    """`text` with every address in it as anybody may see it: no account, no password, no token.

    The one filter of all that is recorded or shown. Of queries and fragments only what names a file stays; the name of
    a user of ssh is no secret, and an address without it means another place.
    """
    if "@" in text or "://" in text:
        text = _ACCOUNT.sub("", _ADDRESS.sub(_public_address, text))
    return _TOKEN.sub("***", text)


def _public_address(found: re.Match[str]) -> str:
    account = found["account"] or ""
    user = account if found["scheme"].lower().endswith("ssh://") and ":" not in account else ""
    address, hash_mark, fragment = found["rest"].partition("#")
    address, question, query = address.partition("?")
    address = re.sub(r";\w+=[^/;]*", "", address)
    return found["scheme"] + user + address + _harmless(question, query) + _harmless(hash_mark, fragment)


def _harmless(mark: str, fields: str) -> str:
    kept = [field for field in fields.split("&") if _HARMLESS.match(field)]
    return mark + "&".join(kept) if kept else ""


def suggest(name: str, known: Iterable[str], otherwise: str | None = None) -> str:
    """A hint for a name that is not known: the closest known one, else `otherwise` (default: all known names)."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(names)}" if otherwise is None else otherwise


def plural(count: int, noun: str) -> str:
    """`1 epoch`, `4,096 samples`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def room(mib: float) -> str:
    """An amount of memory or of a disk, in MiB or GiB."""
    return f"{mib / 1024:.1f} GiB" if mib >= 1024 else f"{mib:.0f} MiB"


def listed(names: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def duration(seconds: float) -> str:
    """`42 s`, `3 min 05 s`, `2 h 07 min`; what no run takes, endless times included, is unknown."""
    if not abs(seconds) < LONGEST_S:
        return "an unknown time"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def whole_minutes(seconds: float) -> float:
    """A time that nobody should take for exact: upwards to a minute, from a minute on."""
    return seconds if seconds < 60 else 60.0 * math.ceil(seconds / 60)


def slug(text: str) -> str:
    """`TensorFlow 1.3.0 CPU` as `tensorflow-1.3.0-cpu`: fit for an id of the page and the fragment of an address."""
    return re.sub(r"[^a-z0-9._]+", "-", text.lower()).strip("-") or "x"


def silent(line: str) -> None:
    """Says nothing: for whoever must be given somebody to talk to."""
