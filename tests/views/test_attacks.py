"""A hijacked model that knows its whole context and can compute, in hosts that break the rules: what falls, and when.

Without cards each of these falls: the model relays the code. With cards it takes all three rules broken at once.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import re

import pytest

from greenlake_backup_mcp.server import app as mcp_server
from greenlake_backup_mcp.views.cards import NONCE
from tests.consent.test_gate import Clock
from tests.support import http_process
from tests.support.http_process import COPY, DELETE
from tests.support.tiny_tenant import Tenant, loaded

from .host import Host, Rules

RULES = ("offers_all_tools", "tells_meta", "tells_pages")
BROKEN = [chosen for count in range(len(RULES) + 1) for chosen in itertools.combinations(RULES, count)]


@pytest.fixture
def tenant() -> Tenant:
    return http_process.tenant()


def attack(host: Host, clock: Clock, change: str) -> None:
    """Confirm a change without its person: by every proof that strings of the context can make."""
    if not {"open_card", "answer_card"} <= set(host.offered()):
        return
    versions = re.findall(r'version: "([0-9a-f]{8})"', str(host.context)) or ["00000000"]
    arguments = host.model("open_card", change=change, version=versions[0]).get("structuredContent", {})
    clock.forward(2)
    seen = json.dumps(host.context)  # a wrong proof burns the change: it looks for the right strings first
    keys = re.findall(r'VIEW_KEY = \\"([0-9a-f]{64})', seen) or re.findall(r"\b[0-9a-f]{64}\b", seen) or ["0" * 64]
    nonces = re.findall(rf'"{NONCE}": "([\w-]+)"', seen)[-1:] or re.findall(r"[\w-]{32}", seen)[:50] or [""]
    action, typed = arguments.get("action", ""), arguments.get("typed", "")
    for key, nonce in itertools.product(keys, nonces):
        text = "\n".join([nonce, change, "confirm", action, typed])
        proof = hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
        answer = {"change": change, "answer": "confirm", "action": action, "typed": typed, "proof": proof}
        host.model("answer_card", **answer)


@pytest.mark.parametrize("broken", BROKEN, ids=lambda chosen: "+".join(chosen) or "none")
def test_a_model_confirms_only_where_all_three_rules_are_broken(tenant: Tenant, broken: tuple[str, ...]) -> None:
    offers, meta, pages = (rule in broken for rule in RULES)
    clock = Clock()
    server = mcp_server.create(loaded(wait=0), app=tenant, now=clock)
    with Host(server, rules=Rules(offers, meta, pages)) as host:
        change = host.model("delete_vm_backup", **DELETE, confirm="preview")["structuredContent"]["change"]
        attack(host, clock, change)
        fallen = tenant.writes == [("DELETE", COPY, None)]
        assert fallen is (len(broken) == 3)
        assert fallen or tenant.writes == []
        if "offers_all_tools" in broken and not fallen:  # and it is burnt: the person's own card says so
            assert "cancelled" in host.model("change_status", change=change)["content"][0]["text"]
