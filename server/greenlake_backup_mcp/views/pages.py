"""The HTML pages of views: read once, given the card's key where they are the card, and named by what is in them.

Clients keep pages by their URI: a new text or key has a new one, and any old one brings the page of now.
Knows MCP's resources; must know nothing of changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mcp.types import ReadResourceResult, Resource, TextResourceContents

from greenlake_backup_mcp.consent import cards, elicitation

PREFIX = "ui://greenlake-backup-mcp/"
CARD = "confirm"
UI: dict[str, Any] = {"csp": {}, "prefersBorder": True}  # nothing from outside


@dataclass(frozen=True)
class View:
    """A page: its name is that of its file; which tools' results it renders."""

    name: str
    title: str
    tools: tuple[str, ...] = ()


VIEWS = {
    view.name: view
    for view in (
        View(CARD, "Confirm a change"),
        View("health", "Health of the tenant", ("check_health",)),
        View("cover", "Recovery points of an asset", ("describe_asset",)),
        View("stores", "Protection stores", ("list_protection_stores",)),
    )
}
PICTURES = {tool: view.name for view in VIEWS.values() for tool in view.tools}
"""Tool → the view that renders its results."""


def page(name: str) -> str:
    """A page as its file has it, with what all pages share put in; version and key are not in it yet."""
    folder = Path(__file__).parent
    text = (folder / f"{name}.html").read_text(encoding="utf-8")
    for shared in ("frame.css", "frame.js", "picture.js"):
        text = text.replace(f"/*{shared}*/", (folder / shared).read_text(encoding="utf-8"))
    return text


@dataclass(frozen=True)
class Pages:
    """The pages of a server; `card_key` is the newest of its cards' keys."""

    card_key: bytes

    @cached_property
    def texts(self) -> dict[str, str]:
        """The pages by name."""
        return {name: page(name) for name in VIEWS}

    def version(self, name: str) -> str:
        """What a page's text has for a name: pages of different servers differ in it."""
        return hashlib.sha256(self.texts[name].encode()).hexdigest()[:8]

    def uri(self, name: str) -> str:
        """Where a page is now."""
        key = hashlib.sha256(f"id {cards.view_key(self.card_key)}".encode()).hexdigest()[:8]
        return f"{PREFIX}{name}.{self.version(name)}{f'.{key}' if name == CARD else ''}.html"

    def resources(self) -> list[Resource]:
        """All pages, as resources/list names them."""
        return [
            Resource(
                uri=self.uri(name),
                name=f"view {name}",
                title=view.title,
                mime_type=elicitation.VIEW_TYPE,
                _meta={"ui": UI},
            )
            for name, view in VIEWS.items()
        ]

    def read(self, uri: str) -> ReadResourceResult | None:
        """The page of now under any URI that it ever had; None where there is no such page."""
        name = uri.removeprefix(PREFIX).partition(".")[0]
        if not uri.startswith(PREFIX) or name not in VIEWS:
            return None
        text = self.texts[name].replace("__VERSION__", self.version(name))
        if name == CARD:
            text = text.replace("__VIEW_KEY__", cards.view_key(self.card_key))
        page = TextResourceContents(uri=uri, mime_type=elicitation.VIEW_TYPE, text=text, _meta={"ui": UI})
        return ReadResourceResult(contents=[page], ttl_ms=0, cache_scope="private")

    def meta(self, name: str, visibility: Iterable[str]) -> dict[str, Any]:
        """What a tool says whose results a page renders; the flat name is deprecated, and clients still read it."""
        return {"ui": {"resourceUri": self.uri(name), "visibility": [*visibility]}, "ui/resourceUri": self.uri(name)}
