"""Pictures and cards over the simulated tenant, in a real browser: what they say, how they look, for whom they work.

`python -m tests.views draw FOLDER` writes screenshots of all views there, and the README's to docs/card.png.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Page, expect

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.server import app as mcp_server
from greenlake_backup_mcp.simulator.server.app import create_app
from greenlake_backup_mcp.views import pages

from .host import Host, hosts, now

AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
LOOKS = [("light", 640), ("dark", 640), ("light", 320), ("dark", 320)]
VIEWS = tuple(pages.VIEWS)
ASSET = "sap-prod-01"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host of a server whose catalog is filled."""
    place = tmp_path_factory.mktemp("state")
    loaded = settings.load(demo=True, catalog="memory", wait=60, rate=100_000, concurrency=16, state_dir=place)
    server = mcp_server.create(loaded, app=create_app(now=now, scale=100_000), now=now)
    with Host(server) as opened:
        opened.run(opened.client.call_tool("query_catalog", {"sql": "SELECT count(*) FROM assets"}))
        yield opened


def call(host: Host, view: str) -> dict[str, Any]:
    """A call whose result the view shows."""
    if view == "health":
        return host.model("check_health")
    if view == "cover":
        return host.model("describe_asset", asset=ASSET)
    if view == "stores":
        return host.model("list_protection_stores")
    sql = (
        "SELECT asset_id, id FROM recovery_points WHERE asset_kind = 'vm' AND kind = 'BACKUP' AND usable AND NOT locked"
    )
    rows = host.run(host.client.call_tool("query_catalog", {"sql": f"{sql} LIMIT 1", "output": "json"}))
    row = rows.structured_content["rows"][0]
    return host.model("delete_vm_backup", vmId=row["asset_id"], backupId=row["id"], confirm="preview")


def draw(host: Host, page: Page, view: str) -> Any:
    """The view, drawn."""
    result = call(host, view)
    assert not result.get("isError"), result["content"][0]["text"]
    frame = host.show(page)
    if view == pages.CARD:
        expect(frame.get_by_role("heading", level=1)).to_have_text("Confirm this change?")
    else:
        expect(frame.locator("#coverage")).to_contain_text("As of", timeout=60_000)
    return frame


@pytest.mark.parametrize("html", hosts())
@pytest.mark.parametrize("view", [view for view in VIEWS if view != pages.CARD])
def test_a_picture_draws_what_the_catalog_holds_and_says_it_in_words_too(
    page: Page,
    host: Host,
    view: str,
    html: str,
) -> None:
    host.page, host.calls[:] = html, []
    result = call(host, view)
    assert result["structuredContent"]["view"] == view
    assert len(str(result["structuredContent"])) < 200  # the model's answer does not grow
    frame = draw(host, page, view)
    assert set(host.calls) == {"read_view"}
    assert frame.locator("svg[role=img]").count() >= 1
    for drawing in frame.locator("svg[role=img]").all():
        assert drawing.evaluate("svg => svg.getAttribute('aria-label') || svg.getAttribute('aria-labelledby')")
    assert len(frame.locator("#summary").inner_text()) > 20
    details = frame.locator("details")
    details.locator("summary").click()
    assert frame.get_by_role("row").count() > 2
    assert "NaN" not in frame.locator("main").inner_text()
    assert "undefined" not in frame.locator("main").inner_text()
    host.page = "host.html"


def test_the_verdict_of_the_picture_is_that_of_the_answer(page: Page, host: Host) -> None:
    text = call(host, "health")["content"][0]["text"]
    frame = draw(host, page, "health")
    expect(frame.locator("#verdict")).to_have_text(text.splitlines()[0])


def test_an_asset_that_is_none_leaves_a_sentence(page: Page, host: Host) -> None:
    host.model("describe_asset", asset=ASSET)
    host.view["toolInput"] = {"asset": "nobody"}
    host.view["toolResult"]["structuredContent"] = {"view": "cover", "asset": "<b>nobody</b>"}
    frame = host.show(page)
    expect(frame.locator("#summary")).to_contain_text("There is no asset")
    assert frame.locator("b").count() == 0


@pytest.mark.parametrize(("theme", "width"), LOOKS)
@pytest.mark.parametrize("view", VIEWS)
def test_screenshots_and_axe_find_nothing_wrong(
    browser: Browser,
    host: Host,
    view: str,
    theme: Literal["light", "dark"],
    width: int,
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    host.host_context["theme"] = theme
    opened = context.new_page()
    frame = draw(host, opened, view)
    if view == pages.CARD:
        field = frame.get_by_label(re.compile("Type"))
        field.fill(re.sub(r"^Type | to allow this$", "", frame.locator("#typing label").inner_text()))
        frame.get_by_role("button", name="Confirm").scroll_into_view_if_needed()  # it must be in view
        expect(frame.get_by_role("button", name="Confirm")).to_be_enabled()
    inner = opened.frames[-1]
    assert inner.evaluate("document.documentElement.scrollWidth <= innerWidth"), "cut off at the side"
    sizes = [body["height"] for what, body in host.messages if what == "size"]
    assert sizes[-1] > 150
    if folder := os.environ.get("VIEW_SCREENSHOTS"):
        opened.set_viewport_size({"width": width, "height": sizes[-1]})
        opened.screenshot(path=f"{folder}/{view}-{theme}-{width}.png")
    for details in frame.locator("details").all():
        details.evaluate("details => details.open = true")
    inner.evaluate(AXE.read_text(encoding="utf-8"))
    actual = inner.evaluate("axe.run(document, {resultTypes: ['violations', 'incomplete']})")
    assert [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in actual["violations"]] == []
    boxes = [button.bounding_box() for button in inner.locator("button:visible").all()]
    assert all(box is not None and box["height"] >= 44 for box in boxes)
    context.close()


@pytest.mark.parametrize("view", VIEWS)
def test_a_page_is_small_and_has_nothing_of_elsewhere(view: str) -> None:
    text = pages.page(view)
    assert len(text.encode()) <= 24_000
    assert not re.search(
        r"https?://(?!www\.w3\.org/2000/svg)|innerHTML|localStorage|sessionStorage|fetch\(|eval\(", text
    )
