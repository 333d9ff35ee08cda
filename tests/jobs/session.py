"""A session of one job: a real MCP client, what it may know, and what its answers cost."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from mcp import Client

from tests.support.results import CODE, text_of

from .evidence import Evidence
from .tables import Row, detail, summary_counts, table

BYTES_PER_TOKEN = 3


class StepFailed(Exception):
    """A call did not do what the script needs, so that it cannot go on."""


@dataclass(frozen=True)
class Answer:
    """What a model reads of one call."""

    tool: str
    text: str
    is_error: bool

    @property
    def rows(self) -> list[Row]:
        """The rows of a list's table, or the items of its JSON."""
        if self.text.startswith("{"):
            items: list[Row] = json.loads(self.text)["items"]
            return items
        return table(self.text)

    @property
    def data(self) -> Row:
        """The answer as the JSON it is."""
        actual: Row = json.loads(self.text)
        return actual

    @property
    def detail(self) -> Row:
        """The labelled lines of one item."""
        return detail(self.text)

    def counts(self, attribute: str) -> dict[str, int]:
        """How often each value of an attribute occurs, as the summary of a list says."""
        return summary_counts(self.text, attribute)

    @property
    def total(self) -> int:
        """How many items the collection has."""
        return int(self.first(r"^(?:Page of )?([\d,]+) ").replace(",", ""))

    @property
    def matching(self) -> int:
        """How many of them match."""
        actual = re.search(r"^([\d,]+) of these [\d,]+ match", self.text, re.MULTILINE)
        return int(actual[1].replace(",", "")) if actual else self.total

    def first(self, pattern: str) -> str:
        """The first group of a pattern in the text; StepFailed where it does not occur."""
        if match := re.search(pattern, self.text, re.MULTILINE):
            return str(match[1])
        raise StepFailed(f"{self.tool} does not show {pattern!r}: {self.text[:400]}")

    def all(self, pattern: str) -> list[Any]:
        """All groups of a pattern in the text."""
        return re.findall(pattern, self.text, re.MULTILINE)


@dataclass
class Session:
    """The calls of one job. `asked` holds the words of the question by name."""

    client: Client
    question: str
    asked: Mapping[str, Any]
    schemas: Mapping[str, Mapping[str, Any]]
    vocabulary: Collection[str]
    calls: int = 0
    bytes: int = 0
    log: list[tuple[str, dict[str, Any], int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.evidence = Evidence(self.question, self.vocabulary)

    @property
    def tokens(self) -> int:
        """Estimated tokens of the answers so far."""
        return self.bytes // BYTES_PER_TOKEN

    def offers(self, *tools: str) -> bool:
        """Whether the server has these tools."""
        return all(tool in self.schemas for tool in tools)

    async def call(self, tool: str, **arguments: Any) -> Answer:
        """Call a tool with values that were shown; its answer counts, and is evidence from now on."""
        if tool not in self.schemas:
            raise StepFailed(f"there is no tool {tool}")
        self.evidence.check_arguments(tool, self.schemas, arguments)
        result = await self.client.call_tool(tool, arguments)
        text = text_of(result)
        if not text and result.structured_content is not None:
            text = json.dumps(result.structured_content, ensure_ascii=False)
        answer = Answer(tool, text, bool(result.is_error))
        size = len(text.encode())
        self.calls, self.bytes = self.calls + 1, self.bytes + size
        self.log.append((tool, arguments, size))
        self.evidence.add(text)
        return answer

    async def read(self, tool: str, **arguments: Any) -> Answer:
        """A call that must succeed."""
        answer = await self.call(tool, **arguments)
        if answer.is_error:
            raise StepFailed(f"{tool} {arguments}: {answer.text[:400]}")
        return answer

    async def rows(self, tool: str, **arguments: Any) -> list[Row]:
        """All rows of a list, page by page as the answers offer them."""
        collected: list[Row] = []
        offset = 0
        while True:
            answer = await self.read(tool, **arguments, **({"offset": offset} if offset else {}))
            page = answer.rows
            collected += page
            following = re.search(r'^Rows? .*Next: .*"offset": (\d+)', answer.text, re.MULTILINE)
            if not page or following is None or int(following[1]) <= offset:
                return collected
            offset = int(following[1])
            arguments.setdefault("summary", "page")

    async def gated(self, tool: str, **arguments: Any) -> tuple[Answer, Answer]:
        """Preview, then the same call with the code that the preview shows. Returns both answers."""
        preview = await self.call(tool, **arguments, confirm="preview")
        match = CODE.search(preview.text)
        if match is None:
            raise StepFailed(f"{tool} shows no code: {preview.text[:600]}")
        return preview, await self.call(tool, **arguments, confirm=match[1])

    async def write(self, tool: str, **arguments: Any) -> Answer:
        """A write that must not fail: previewed where it always needs consent, else confirmed if asked for."""
        if "confirm" in self.schemas[tool].get("required", ()):
            answer = (await self.gated(tool, **arguments))[1]
        else:
            answer = await self.call(tool, **arguments)
            if match := CODE.search(answer.text):
                answer = await self.call(tool, **arguments, confirm=match[1])
        if answer.is_error:
            raise StepFailed(f"{tool} {arguments}: {answer.text[:600]}")
        return answer

    def shift(self, base: str, **amounts: float) -> str:
        """See Evidence.shift."""
        return self.evidence.shift(base, **amounts)


@asynccontextmanager
async def connected(server: Any, *, mode: Any = "auto") -> AsyncIterator[tuple[Client, dict[str, Mapping[str, Any]]]]:
    """A client of a server, and the input schemas of its tools."""
    async with Client(server, mode=mode) as client:
        listed = await client.list_tools()
        yield client, {tool.name: {**tool.input_schema, "description": tool.description or ""} for tool in listed.tools}
