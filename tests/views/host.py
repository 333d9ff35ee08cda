"""A host of views, for tests: a real MCP client on one side, a real browser on the other, and what the model has seen.

The pages of the host and of its sandbox are answered within the browser, so that no port is opened.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mcp import Client
from mcp.client.extension import advertise
from mcp.types import CallToolResult, Implementation, TextResourceContents, Tool

from greenlake_backup_mcp.consent import elicitation

HERE = Path(__file__).parent
HOST, BOX = "http://localhost:46010/", "http://localhost:46011/"  # loopback counts as secure: crypto.subtle needs it
# What the specification of views (2026-01-26) lets a page do that asks for nothing.
POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "media-src 'self' data:; connect-src 'none'; frame-src 'none'; object-src 'none'; base-uri 'none'"
)
BEGAN = time.monotonic()
BUNDLE: dict[str, Path] = {}  # what a host's page loads, by name
VIEWS = [advertise(elicitation.VIEWS, {"mimeTypes": [elicitation.VIEW_TYPE]})]


def now() -> datetime:
    """The time of the tests: it goes on as real time does."""
    return datetime(2026, 11, 24, 8, 0, tzinfo=UTC) + timedelta(seconds=time.monotonic() - BEGAN)


def hosts() -> list[str]:
    """The pages of hosts there are: our own, and AppBridge where it could be had."""
    return ["host.html", *(["bridge.html"] if "bridge.js" in BUNDLE else [])]


@dataclass(frozen=True)
class Rules:
    """What a host does with what is not the model's. The defaults are what the specification wants."""

    offers_all_tools: bool = False  # tools of views to the model
    tells_meta: bool = False  # `_meta` to the model
    tells_pages: bool = False  # the pages of views to the model
    drops_meta: bool = False  # of results, on their way to the view
    drops_reply_meta: bool = False  # of replies to the view's own calls
    approves: Callable[[str], bool] = lambda _name: True  # asks its user before a view's call


def is_visible(tool: Tool, whom: str) -> bool:
    """Whether a tool is for the model or for views: both where it does not say, nobody where it says so."""
    visibility = ((tool.meta or {}).get("ui") or {}).get("visibility")
    return visibility is None or whom in visibility


@dataclass
class Host:
    """A host over a server, for the time of a `with`."""

    server: Any
    mode: str = "auto"
    rules: Rules = field(default_factory=Rules)
    page: str = "host.html"
    context: list[Any] = field(default_factory=list)  # all that the model has seen
    calls: list[str] = field(default_factory=list)  # of views
    messages: list[list[Any]] = field(default_factory=list)  # that views sent besides
    host_context: dict[str, Any] = field(
        default_factory=lambda: {"theme": "light", "locale": "en-GB", "timeZone": "Europe/Berlin"}
    )
    view: dict[str, Any] = field(default_factory=dict)

    def __enter__(self) -> Host:
        ready = threading.Event()

        async def live() -> None:
            self.loop, self.stop = asyncio.get_running_loop(), asyncio.Event()
            who = Implementation(name="tests", version="1")
            async with Client(self.server, mode=self.mode, extensions=VIEWS, client_info=who) as self.client:
                self.tools = {tool.name: tool for tool in (await self.client.list_tools()).tools}
                ready.set()
                await self.stop.wait()

        self.thread = threading.Thread(target=lambda: asyncio.run(live()), daemon=True)
        self.thread.start()
        assert ready.wait(60)
        return self

    def __exit__(self, *error: object) -> None:
        self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join(20)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    # --- the model ---

    def offered(self) -> list[str]:
        """The tools that the model is offered."""
        return [t.name for t in self.tools.values() if self.rules.offers_all_tools or is_visible(t, "model")]

    def model(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """A call of the model, and the view of its result where the tool has one."""
        assert tool in self.offered(), f"{tool} is not offered to the model"
        result: CallToolResult = self.run(self.client.call_tool(tool, arguments))
        whole = result.model_dump(by_alias=True, exclude_none=True, mode="json")
        self.context.append(whole if self.rules.tells_meta else {n: v for n, v in whole.items() if n != "_meta"})
        if uri := ((self.tools[tool].meta or {}).get("ui") or {}).get("resourceUri"):
            page = self.run(self.client.read_resource(uri)).contents[0]
            assert isinstance(page, TextResourceContents)
            if self.rules.tells_pages:
                self.context.append(page.text)
            to_view = {n: v for n, v in whole.items() if n != "_meta"} if self.rules.drops_meta else whole
            self.view = {"html": page.text, "toolInput": arguments, "toolResult": to_view, "box": BOX}
        return whole

    # --- the browser ---

    def show(self, page: Any) -> Any:
        """The view of the last result in a browser's page; its frame."""
        if not getattr(page, "is_host", False):
            page.is_host = True
            page.expose_function("hostCall", self.from_page)
            page.route(f"{HOST}**", lambda route: route.fulfill(content_type=_type(route), body=self._file(route)))
            headers = {"Content-Security-Policy": POLICY}
            page.route(
                f"{BOX}**",
                lambda r: r.fulfill(
                    content_type="text/html", body=(HERE / "sandbox.html").read_text(), headers=headers
                ),
            )
        page.goto(HOST)
        return page.frame_locator("iframe").frame_locator("iframe")

    def _file(self, route: Any) -> str:
        name = route.request.url.removeprefix(HOST)
        return Path(BUNDLE.get(name, HERE / self.page)).read_text(encoding="utf-8")

    def from_page(self, what: str, text: str) -> str:
        """What the host's page asks for: its view, a view's call, or that something be noted."""
        body = json.loads(text)
        if what == "view":
            return json.dumps({**self.view, "context": self.host_context})
        if what != "call":
            self.messages.append([what, body])
            if what in ("ui/message", "ui/update-model-context"):
                self.context.append(body)
            return "{}"
        name = body["name"]
        self.calls.append(name)
        if name not in self.tools or not is_visible(self.tools[name], "app"):
            return json.dumps({"problem": "not for views"})
        if not self.rules.approves(name):
            return json.dumps({"problem": "refused by the user"})
        result = self.run(self.client.call_tool(name, body.get("arguments") or {}))
        reply = result.model_dump(by_alias=True, exclude_none=True, mode="json")
        if self.rules.drops_reply_meta:
            reply.pop("_meta", None)
        return json.dumps(reply)


def _type(route: Any) -> str:
    return "text/javascript" if route.request.url.endswith(".js") else "text/html"
