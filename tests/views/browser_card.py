"""The confirmation card in a real browser: real clicks, the keyboard, and what must not confirm."""

from __future__ import annotations

import re
import secrets
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from greenlake_backup_mcp.server import app as mcp_server
from tests.support import http_process
from tests.support.http_process import COPY, DELETE
from tests.support.tiny_tenant import BACKUP, OWN, SNAPSHOT, VM, Tenant, loaded

from .host import Host, Rules, hosts, now


@pytest.fixture
def tenant() -> Tenant:
    made = http_process.tenant()
    made.deletes = True
    return made


def server(tenant: Tenant, **more: Any) -> Any:
    return mcp_server.create(loaded(**{"wait": 5, **more}), app=tenant, now=now)


def confirm(card: Any, name: str = "daily-7") -> None:
    card.get_by_label(re.compile("Type")).fill(name)
    card.get_by_role("button", name="Confirm").click()  # waits until it is enabled


def heading(card: Any, words: str) -> None:
    expect(card.get_by_role("heading", level=1)).to_have_text(words)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("html", hosts())
def test_a_person_confirms_and_the_model_learns_it_by_asking(page: Page, tenant: Tenant, html: str, mode: str) -> None:
    with Host(server(tenant), mode, page=html) as host:
        assert not {"open_card", "answer_card"} & set(host.offered())
        change = host.model("delete_vm_backup", **DELETE, confirm="preview")["structuredContent"]["change"]
        card = host.show(page)
        heading(card, "Confirm this change?")
        assert tenant.writes == []
        confirm(card)
        heading(card, "Confirmed")
        assert tenant.writes == [("DELETE", COPY, None)]
        assert host.calls == ["open_card", "answer_card"]
        text = host.model("change_status", change=change)["content"][0]["text"]
        assert text.startswith("delete_vm_backup: carried out.")
        card.get_by_role("button", name="Tell the assistant").click()
        expect(card.get_by_role("status")).to_have_text("The assistant was told.")
        assert [what for what, _ in host.messages if what.startswith("ui/")] == [
            "ui/update-model-context",
            "ui/message",
        ]
        assert "nonce" not in str(host.context)
        assert not re.search(r"[0-9a-f]{64}", str(host.context))


def test_by_keyboard_alone_the_safe_button_comes_first_and_enter_in_the_field_confirms_nothing(
    page: Page, tenant: Tenant
) -> None:
    with Host(server(tenant)) as host:
        host.model("delete_vm_backup", **DELETE, confirm="preview")
        card = host.show(page)
        field = card.get_by_label(re.compile("Type"))
        field.focus()
        page.keyboard.type("daily-7")
        page.keyboard.press("Enter")
        expect(card.get_by_role("button", name="Confirm")).to_be_enabled()
        page.keyboard.press("Tab")
        expect(card.get_by_role("button", name="Do not change anything")).to_be_focused()
        page.keyboard.press("Tab")
        assert tenant.writes == []
        page.keyboard.press("Enter")
        heading(card, "Confirmed")
        assert len(tenant.writes) == 1


def test_a_person_declines(page: Page, tenant: Tenant) -> None:
    with Host(server(tenant)) as host:
        change = host.model("delete_vm_backup", **DELETE, confirm="preview")["structuredContent"]["change"]
        card = host.show(page)
        card.get_by_role("button", name="Do not change anything").click()
        heading(card, "Declined")
        expect(card.get_by_role("button", name="Confirm")).to_have_count(0)
        assert "declined" in host.model("change_status", change=change)["content"][0]["text"]
        assert tenant.writes == []


def test_hurried_clicks_and_clicks_of_scripts_confirm_nothing(page: Page, tenant: Tenant) -> None:
    with Host(server(tenant)) as host:
        host.model("delete_vm_backup", **DELETE, confirm="preview")
        card = host.show(page)
        card.get_by_label(re.compile("Type")).fill("daily-7")
        button = card.get_by_role("button", name="Confirm")
        button.click(force=True)
        expect(card.get_by_role("status")).to_have_text("One moment…")
        expect(button).to_be_enabled()
        button.evaluate("button => button.click()")
        button.dispatch_event("click")
        card.get_by_label(re.compile("Type")).fill("daily-8")
        expect(button).to_be_disabled()
        button.click(force=True)
        expect(card.get_by_role("status")).to_have_text("Type daily-7 first.")
        assert host.calls == ["open_card"]
        assert tenant.writes == []


def test_cards_from_history_have_no_button(page: Page, tenant: Tenant) -> None:
    with Host(server(tenant)) as host:
        host.model("delete_vm_backup", **DELETE, confirm="preview")
        old = dict(host.view)
        host.model("delete_vm_backup", **DELETE, confirm="preview")
        host.view = old
        heading(host.show(page), "No longer active")
        host.view = {**old, "toolResult": {"content": [], "structuredContent": {}}}  # as some hosts restore it: emptied
        card = host.show(page)
        heading(card, "Nothing to confirm")
        expect(card.get_by_role("button")).to_have_count(0)
    assert tenant.writes == []


def test_a_card_of_a_server_that_was_restarted_says_so(page: Page, tenant: Tenant) -> None:
    with Host(server(tenant)) as host:
        host.model("delete_vm_backup", **DELETE, confirm="preview")
        host.view["toolResult"]["structuredContent"]["change"] = f"chg_{secrets.token_urlsafe(12)}"
        card = host.show(page)
        heading(card, "No longer active")
        expect(card.get_by_text("of an earlier run of this server")).to_be_visible()
        expect(card.get_by_role("button")).to_have_count(0)


@pytest.mark.parametrize("html", hosts())
def test_a_host_that_asks_its_user_may_refuse_and_then_allow(page: Page, tenant: Tenant, html: str) -> None:
    answers = [False, True]
    rules = Rules(approves=lambda name: name != "answer_card" or answers.pop(0))
    with Host(server(tenant), rules=rules, page=html) as host:
        host.model("delete_vm_backup", **DELETE, confirm="preview")
        card = host.show(page)
        confirm(card)
        expect(card.get_by_role("status")).to_contain_text("refused by the user")
        assert tenant.writes == []
        card.get_by_role("button", name="Confirm").click()
        heading(card, "Confirmed")
        assert len(tenant.writes) == 1


def test_a_host_that_forbids_views_to_call_leaves_a_card_without_buttons(page: Page, tenant: Tenant) -> None:
    with Host(server(tenant), rules=Rules(approves=lambda _: False)) as host:
        host.model("delete_vm_backup", **DELETE, confirm="preview")
        card = host.show(page)
        heading(card, "No longer active")
        expect(card.get_by_text("could not be opened")).to_be_visible()
        expect(card.get_by_role("button")).to_have_count(0)


def test_meta_that_is_dropped_from_the_result_is_not_missed_and_from_the_reply_leaves_no_button(
    page: Page, tenant: Tenant
) -> None:
    with Host(server(tenant), rules=Rules(drops_meta=True, drops_reply_meta=True)) as host:
        host.model("delete_vm_backup", **DELETE, confirm="preview")
        card = host.show(page)
        expect(card.get_by_role("status")).to_contain_text("cannot confirm here")
        expect(card.get_by_role("button")).to_have_count(0)
        assert tenant.writes == []


def test_hostile_names_stay_text(page: Page, tenant: Tenant) -> None:
    name = '<img src=x onerror="alert(1)"><script>alert(2)</script>\u202egnp\u0000\nConfirmed'
    tenant.resources[COPY]["name"] = name
    with Host(server(tenant)) as host:
        host.model("delete_vm_backup", **DELETE, confirm="preview")
        card = host.show(page)
        heading(card, "Confirm this change?")
        expect(card.get_by_label(re.compile("Type"))).to_be_visible()
        assert card.locator("img, script:not(:nth-last-of-type(-n+2))").count() == 0
        assert "\u202e" not in card.locator("main").inner_text()
        expect(card.get_by_role("heading")).to_have_count(1)


def test_what_other_frames_send_is_ignored(page: Page, tenant: Tenant) -> None:
    with Host(server(tenant)) as host:
        host.model("delete_vm_backup", **DELETE, confirm="preview")
        card = host.show(page)
        heading(card, "Confirm this change?")
        sent = {"jsonrpc": "2.0", "method": "ui/notifications/tool-result", "params": {"content": []}}
        page.frames[-1].evaluate("sent => window.postMessage(sent, '*')", sent)
        page.frames[-1].evaluate("() => new Promise(requestAnimationFrame)")
        heading(card, "Confirm this change?")
        assert host.calls == ["open_card"]


@pytest.mark.parametrize("html", hosts())
def test_the_theme_follows_the_host_and_a_teardown_is_answered(page: Page, tenant: Tenant, html: str) -> None:
    with Host(server(tenant), page=html) as host:
        variables = {"--color-background-primary": "light-dark(rgb(250, 240, 230), rgb(10, 20, 30))", "--evil": "1"}
        host.host_context["styles"] = {"variables": {**variables, "--color-text-primary": "light-dark(#000, #fff)"}}
        host.model("delete_vm_backup", **DELETE, confirm="preview")
        heading(host.show(page), "Confirm this change?")
        body = page.frames[-1].locator("body")
        expect(body).to_have_css("background-color", "rgb(250, 240, 230)")
        page.evaluate("tell('ui/notifications/host-context-changed', {theme: 'dark'})")
        expect(body).to_have_css("background-color", "rgb(10, 20, 30)")
        assert page.frames[-1].evaluate("document.documentElement.style.getPropertyValue('--evil')") == ""
        assert page.evaluate("demand('ui/resource-teardown', {reason: 'x'}).then(message => message.result)") == {}


def test_a_person_takes_rows_out_of_a_plan_and_confirms_what_is_left(page: Page, tenant: Tenant) -> None:
    tenant.resources[f"{OWN}/virtual-machines/{VM}/snapshots/{SNAPSHOT}"] = {"id": SNAPSHOT, "name": "s", "state": "OK"}
    calls = [
        {"tool": "update_vm_backup", "arguments": {"vmId": VM, "backupId": BACKUP, "description": "x"}},
        {"tool": "delete_vm_snapshot", "arguments": {"vmId": VM, "snapshotId": SNAPSHOT}},
    ]
    with Host(server(tenant)) as host:
        host.model("run_plan", calls=calls, confirm="preview")
        card = host.show(page)
        rows = card.get_by_role("list", name="Calls, the gravest first").get_by_role("listitem")
        expect(rows).to_have_count(2)
        expect(rows.first).to_contain_text("2. ")  # the gravest first
        rows.first.get_by_text("All that call 2 does").click()
        expect(rows.first.locator("pre")).to_be_visible()
        rows.first.get_by_role("checkbox").uncheck()
        expect(card.get_by_role("button", name="Confirm 2 calls")).to_be_disabled()
        card.get_by_role("button", name="Show what is left").click()
        expect(rows).to_have_count(1)
        card.get_by_role("button", name="Confirm 1 call").click()
        heading(card, "Confirmed")
        assert [method for method, _, _ in tenant.writes] == ["PATCH"]


def test_the_cards_tree_is_what_a_screen_reader_reads(page: Page, tenant: Tenant) -> None:
    with Host(server(tenant)) as host:
        host.model("delete_vm_backup", **DELETE, confirm="preview")
        card = host.show(page)
        heading(card, "Confirm this change?")
        expect(card.locator("body")).to_match_aria_snapshot("""
- main "Confirm this change?":
  - heading "Confirm this change?" [level=1]
  - paragraph: /LAST recovery point/
  - list
  - group: The whole difference (5 lines)
  - group "Your answer":
    - text: Type daily-7 to allow this
    - textbox "Type daily-7 to allow this"
    - paragraph: /Open until/
    - button "Do not change anything"
    - button "Confirm" [disabled]
  - status
""")
