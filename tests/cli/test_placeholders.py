"""A placeholder that nobody filled in means the safe value, and a secret's line end is no part of it."""

from __future__ import annotations

import pytest

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.errors import SettingsError
from greenlake_backup_mcp.server import app

FORMS = [
    "${user_config.read_only}",
    "${READ_ONLY}",
    "${env:READ_ONLY}",
    "${input:read only}",
    "${{ secrets.READ_ONLY }}",
    "$READ_ONLY",
    "$X",
    "$env:READ_ONLY",
    "$(READ_ONLY)",
    "%READ_ONLY%",
    "%X%",
    "{{x}}",
    "{{ read_only }}",
    "{env:READ_ONLY}",
    " ${user_config.read_only}\r\n",
]


@pytest.mark.parametrize("form", FORMS)
def test_read_only_is_what_an_unfilled_switch_means(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENLAKE_MCP_READ_ONLY", form)
    chosen = settings.load(demo=True)
    assert chosen.read_only
    assert not [tool for tool in app.tool_set(chosen).offered.values() if tool.gated]
    assert settings.load(demo=True, read_only=False).read_only is False  # what somebody said counts


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["TOKENS_FILE", "ISSUER", "AUDIT_LOG"])
def test_what_would_ask_or_record_nobody_is_refused(form: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"GREENLAKE_MCP_{name}", form)
    with pytest.raises(SettingsError, match=f"GREENLAKE_MCP_{name} is .* placeholder"):
        settings.load(demo=True)


@pytest.mark.parametrize("form", FORMS)
def test_others_count_as_unset(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REGION", "CLIENT_ID", "WORKSPACE_ID", "MCP_TOOLSETS", "MCP_BUDGET", "MCP_DEMO", "MCP_REVEAL_SECRETS"):
        monkeypatch.setenv(f"GREENLAKE_{name}", form)
    monkeypatch.delenv("GREENLAKE_MCP_STATE_DIR", raising=False)
    assert settings.load() == settings.defaults()


@pytest.mark.parametrize("value", ["$ecret", "$x", "%", "a%b%", "{x}", "s3cret-${", "${}"])
def test_a_secret_that_only_looks_like_one_is_kept(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENLAKE_CLIENT_SECRET", value)
    monkeypatch.setenv("GREENLAKE_CLIENT_ID", "id")
    secret = settings.load().client_secret
    assert secret is not None
    assert secret.get_secret_value() == value


@pytest.mark.parametrize("end", ["\n", "\r\n", " ", "\t\n", "\ufeff"])
def test_a_line_end_behind_a_secret_is_no_part_of_it(end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"CLIENT_ID": "id", "CLIENT_SECRET": "s3cret", "WORKSPACE_ID": "ab", "REGION": "eu-west"}
    for name, value in values.items():
        monkeypatch.setenv(f"GREENLAKE_{name}", value + end)
    chosen = settings.load()
    assert chosen.client_secret is not None
    assert (chosen.client_id, chosen.client_secret.get_secret_value()) == ("id", "s3cret")
    assert (chosen.workspace_id, chosen.region) == ("ab", "eu-west")
