"""Two texts from one set of sections: the page and its Markdown twin.

Names, reasons, logs and the like come from jobs and configurations: they are text from strangers. Both templates
escape every value that they are given; only what this module marks as safe is not escaped.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from msgspec import Struct
from msgspec.structs import replace

from orchestrator import text
from orchestrator.model import Row
from orchestrator.report import style
from orchestrator.report.blocks import Drawn, Section, Twin
from orchestrator.report.compiled import Compiled
from orchestrator.report.embedded import embedded
from orchestrator.report.head import Head
from orchestrator.report.layout import Layout

TEMPLATES = Path(__file__).parent / "templates"
STYLES = ("report.css", "answer.css", "charts.css", "controls.css")
#: One script, in this order: what people do with the page. What charts say under a pointer is another.
INTERACTION = (
    *("dom.js", "state.js", "answer.js", "plots.js", "view.js", "lists.js", "copy.js", "downloads.js"),
    *("controls.js", "anchors.js"),
)


class Page(Struct, frozen=True):
    """Everything that the two templates draw: the sections by part, and the charts; the rows are for its downloads."""

    head: Head
    layout: Layout
    parts: Mapping[str, Sequence[Section]]
    drawn: Drawn
    rows: Sequence[Row] = ()


def html(page: Page) -> str:
    """The page, complete in one file: style, charts and scripts are inside."""
    drawn = page.drawn
    scripts = [*([_text("charts.js")] if drawn.pictures else []), _interaction()]
    # "</script" in a script's text would end the element early; none is seen, and none may pass.
    assert not any("</script" in script for script in scripts)
    parts = _drawn_in("html", page.parts)
    return _environment().get_template("report.html.j2").render(
        head=page.head,
        layout=page.layout,
        parts=parts,
        menu=[section for sections in parts.values() for section in sections if section.title],
        pictures=drawn.pictures,
        rows=embedded(page.rows, page.head.run_ids) if page.rows else "",
        css=Markup("\n".join([*map(_text, STYLES), style.sheet()])),
        scripts=[Markup(script) for script in scripts],
        policy=policy(scripts),
    )  # fmt: skip


def _text(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _interaction() -> str:
    return "\n".join(["(function () {", '"use strict";', *map(_text, INTERACTION), "})();\n"])


def other_page(template: Path, scripts: Sequence[str] = (), **values: Any) -> str:
    """A page beside the report, from a template of its own: the same style, escapes and policy.

    The template is given `css`, `scripts` and `policy` beside `values`.
    """
    assert not any("</script" in script for script in scripts)
    css = Markup(_text("report.css") + style.sheet())
    common = {"css": css, "scripts": [*map(Markup, scripts)], "policy": policy(scripts)}
    return _environment(template.parent).get_template(template.name).render(**common, **values)


def markdown(page: Page) -> str:
    """The Markdown twin. Every value put into it is escaped unless it is marked as safe."""
    template = _environment().overlay(finalize=markdown_text).get_template("report.md.j2")
    parts = _drawn_in("markdown", page.parts)
    made = template.render(head=page.head, layout=page.layout, parts=parts, pictures=page.drawn.pictures)
    return made.strip() + "\n"


def _drawn_in(twin: Twin, parts: Mapping[str, Sequence[Section]]) -> dict[str, list[Section]]:
    """The sections with the blocks that are drawn in this twin; without any, a section is left out."""
    found: dict[str, list[Section]] = {}
    for part, sections in parts.items():
        blocks = [(section, [b for b in section.blocks if b.only in (None, twin)]) for section in sections]
        found[part] = [replace(section, blocks=drawn) for section, drawn in blocks if drawn]
    return found


def policy(scripts: Sequence[str]) -> str:
    """A content security policy: no network at all, and no script but the report's own."""
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes) or "'none'"
    return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:"


@lru_cache(maxsize=2)
def _environment(folder: Path = TEMPLATES) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=lambda name: name is not None and ".html" in name,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=_html_text,
        bytecode_cache=Compiled(folder),
    )
    environment.filters.update(colour=style.colour, capfirst=text.capfirst, drawn=Markup, fenced=fenced)
    return environment


def markdown_text(value: Any) -> str:
    """`value` as inert Markdown on one line; what is marked as safe, as it is."""
    return str(value) if isinstance(value, Markup) else text.markdown(str(value))


def _html_text(value: Any) -> Any:
    """`value` as the page may show it: nothing in it turns the direction of letters. It is escaped after this."""
    return text.plain_lines(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def fenced(code: str) -> Markup:
    """`code` as a code block of Markdown, with a fence longer than any within."""
    code = text.plain_lines(code)
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", code) or [""]))
    return Markup(f"{fence}text\n{code}\n{fence}")
