"""Markdown without surprises: foreign text made harmless, and Markdown read into plain blocks.

Only what business documents need is read: headings, paragraphs, lists, quotes, tables, rules, bold, italic,
code, links. HTML is text, pictures are left out.
"""

import re
from collections.abc import Iterator
from typing import TypeAlias

from markdown_it import MarkdownIt
from markdown_it.token import Token

Run: TypeAlias = dict[str, str | bool]
"""A piece of a line: `text`, and `bold`, `italic`, `code`, `href` or `br` where they apply."""
Block: TypeAlias = dict[str, object]
"""A paragraph or larger: `kind` and what belongs to it."""

MAX_CHARS = 400_000

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#&$])")
_LINE_START = re.compile(r"^(?:[-+=]|\d{1,9}(?=[.)]))")
_READER = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["html_block", "html_inline", "image"])


def plain(text: str) -> str:
    """Text as Markdown that shows exactly this text, on one line. Also safe inside a `$blank` template."""
    line = _SPECIAL.sub(r"\\\1", " ".join(text.split()))
    return _LINE_START.sub(lambda match: f"{match[0]}\\" if match[0].isdigit() else f"\\{match[0]}", line)


def read_markdown(text: str) -> list[Block]:
    """The blocks of a Markdown text, of at most 400,000 characters (ValueError beyond)."""
    if len(text) > MAX_CHARS:
        raise ValueError(f"the text has more than {MAX_CHARS} characters")
    return _blocks(iter(_READER.parse(text)), None)


def _blocks(tokens: Iterator[Token], until: str | None) -> list[Block]:
    found: list[Block] = []
    for token in tokens:
        if token.type == until:
            break
        if token.type == "heading_open":
            found.append({"kind": "heading", "level": int(token.tag[1]), "runs": _inline(next(tokens))})
        elif token.type == "paragraph_open":
            found.append({"kind": "paragraph", "runs": _inline(next(tokens))})
        elif token.type in ("bullet_list_open", "ordered_list_open"):
            end = token.type.replace("open", "close")
            start = token.attrGet("start")
            items = [block["blocks"] for block in _blocks(tokens, end)]
            ordered = token.type == "ordered_list_open"
            found.append(
                {
                    "kind": "list",
                    "ordered": ordered,
                    "start": 1 if start is None else int(start),
                    "items": items,
                }
            )
        elif token.type == "list_item_open":
            found.append({"kind": "item", "blocks": _blocks(tokens, "list_item_close")})
        elif token.type == "blockquote_open":
            found.append({"kind": "quote", "blocks": _blocks(tokens, "blockquote_close")})
        elif token.type in ("fence", "code_block"):
            found.append({"kind": "code", "text": token.content})
        elif token.type == "hr":
            found.append({"kind": "rule"})
        elif token.type == "table_open":
            found.append(_table(tokens))
    return found


def _table(tokens: Iterator[Token]) -> Block:
    rows: list[list[list[Run]]] = []
    align: list[str] = []
    for token in tokens:
        if token.type == "table_close":
            break
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("th_open", "td_open"):
            if len(rows) == 1:
                style = str(token.attrGet("style") or "")
                align.append(style.removeprefix("text-align:") or "left")
            rows[-1].append(_inline(next(tokens)))
    return {"kind": "table", "align": align, "head": rows[0], "rows": rows[1:]}


def _inline(token: Token) -> list[Run]:
    runs: list[Run] = []
    bold = italic = False
    href = ""
    for part in token.children or []:
        match part.type:
            case "strong_open" | "strong_close":
                bold = part.type == "strong_open"
            case "em_open" | "em_close":
                italic = part.type == "em_open"
            case "link_open":
                href = str(part.attrGet("href") or "")
            case "link_close":
                href = ""
            case "hardbreak":
                runs.append({"br": True})
            case "text" | "code_inline" | "softbreak" if part.content or part.type == "softbreak":
                runs.append(_run(part, bold=bold, italic=italic, href=href))
    return runs


def _run(part: Token, *, bold: bool, italic: bool, href: str) -> Run:
    run: Run = {"text": " " if part.type == "softbreak" else part.content}
    if bold:
        run["bold"] = True
    if italic:
        run["italic"] = True
    if part.type == "code_inline":
        run["code"] = True
    if re.match(r"(?:https?://|mailto:)", href):
        run["href"] = href
    return run
