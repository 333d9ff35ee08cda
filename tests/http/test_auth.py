"""Tokens: whose they are, what they allow, and why the others are refused."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import logging
import os
from base64 import urlsafe_b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.http.auth import authenticator, jwks, static_tokens
from greenlake_backup_mcp.http.auth.authenticator import Authenticator
from greenlake_backup_mcp.http.auth.principals import TokenRejectedError
from greenlake_backup_mcp.tools import builtin, registry, roles
from greenlake_backup_mcp.tools.danger import Danger
from tests.support.http_process import ISSUER, PUBLIC, IssuerOfTokens

SECRET = "a-long-enough-static-token-1"
OTHER = "a-long-enough-static-token-2"


@pytest.fixture
def issuer() -> IssuerOfTokens:
    made = IssuerOfTokens()
    made.rsa("one")
    return made


def authenticator_of(issuer: IssuerOfTokens, **more: Any) -> Authenticator:
    result = authenticator.configure(settings.load(issuer=ISSUER, public_url=PUBLIC, **more))
    assert result.issuer is not None
    return replace(result, issuer=replace(result.issuer, keys=issuer.key_set()))


async def refusal(who: Authenticator, token: str, status: int = 401) -> str:
    with pytest.raises(TokenRejectedError) as caught:
        await authenticator.authenticate(who, token)
    assert caught.value.status == status
    return caught.value.reason


# --- JWTs -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "role"),
    [
        ("backup:read", "read"),
        ("openid backup:operate profile", "operate"),
        ("backup:read backup:destroy", "destroy"),
    ],
)
async def test_a_token_gives_its_principal_and_the_highest_of_its_roles(
    issuer: IssuerOfTokens, scope: str, role: str
) -> None:
    access = await authenticator.authenticate(authenticator_of(issuer), issuer.token(scope))
    assert (access.client_id, access.subject, access.claims) == ("assistant", "alice", {"iss": ISSUER})
    assert roles.role_of(access.scopes) == role


async def test_the_token_itself_is_kept_nowhere(issuer: IssuerOfTokens) -> None:
    token = issuer.token()
    assert token not in (await authenticator.authenticate(authenticator_of(issuer), token)).model_dump_json()


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": 1_600_000_000}, "expired"),
        ({"exp": None}, "no exp"),
        ({"aud": "https://other.example/mcp"}, "another audience"),
        ({"aud": None}, "no aud"),
        ({"iss": "https://login.example.com/other"}, "another issuer"),
        ({"sub": None}, "no sub"),
        ({"sub": "x" * 500}, "no usable subject"),
        ({"nbf": 4_000_000_000}, "not hold yet"),
    ],
)
async def test_a_token_that_claims_something_else_is_refused(
    issuer: IssuerOfTokens, claims: dict[str, Any], reason: str
) -> None:
    assert reason in await refusal(authenticator_of(issuer), issuer.token(**claims))


@pytest.mark.parametrize("scope", ["", "read", "destroy", "xbackup:destroy", "BACKUP:READ", "backup:"])
async def test_without_a_scope_of_ours_nothing_is_allowed(issuer: IssuerOfTokens, scope: str) -> None:
    assert "backup:read" in await refusal(authenticator_of(issuer), issuer.token(scope), 403)


async def test_roles_may_stand_in_another_claim_under_other_names(issuer: IssuerOfTokens) -> None:
    who = authenticator_of(issuer, role_claim="roles", role_scopes="Backup.See,Backup.Run,Backup.All")
    assert (
        roles.role_of((await authenticator.authenticate(who, issuer.token("", roles=["x", "Backup.Run"]))).scopes)
        == "operate"
    )


async def test_no_token_is_accepted_that_is_not_signed_by_the_issuers_key(issuer: IssuerOfTokens) -> None:
    who, good = authenticator_of(issuer), issuer.token()
    header, payload, signature = good.split(".")

    def part(value: Any) -> str:
        return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    none = part({"alg": "none", "typ": "JWT", "kid": "one"})
    assert "not allowed" in await refusal(who, f"{none}.{payload}.")
    shared = part({"alg": "HS256", "typ": "JWT", "kid": "one"})
    public = json.dumps(issuer.published()[0]).encode()
    mac = urlsafe_b64encode(hmac.digest(public, f"{shared}.{payload}".encode(), "sha256")).decode().rstrip("=")
    assert "not allowed" in await refusal(who, f"{shared}.{payload}.{mac}")
    stranger = IssuerOfTokens()
    stranger.rsa("one")
    assert "signature" in await refusal(who, stranger.token())
    assert "signature" in await refusal(who, f"{header}.{part({'sub': 'root'})}.{signature}")
    assert "algorithm" in await refusal(who, f"{part({'alg': ['RS256'], 'kid': 'one'})}.{payload}.{signature}")


async def test_a_key_serves_only_the_algorithms_of_its_kind(issuer: IssuerOfTokens) -> None:
    issuer.ec("curve")
    rsa_key, curve = issuer.published()
    assert (await authenticator.authenticate(authenticator_of(issuer), issuer.token(kid="curve"))).subject == "alice"
    assert jwks.key_fits(rsa_key, "PS512")
    assert not jwks.key_fits(rsa_key, "ES256")
    assert not jwks.key_fits(curve, "ES384")
    assert not jwks.key_fits({**rsa_key, "use": "enc"}, "RS256")
    assert not jwks.key_fits({**rsa_key, "alg": "RS512"}, "RS256")
    assert not jwks.key_fits({"kty": "oct", "k": "c2VjcmV0"}, "HS256")


async def test_an_id_token_is_no_access_token(issuer: IssuerOfTokens) -> None:
    assert "access token" in await refusal(authenticator_of(issuer), issuer.token(headers={"typ": "logout+jwt"}))
    assert (
        await authenticator.authenticate(authenticator_of(issuer), issuer.token(headers={"typ": "at+jwt"}))
    ).subject == "alice"


async def test_keys_are_found_by_the_issuers_metadata_and_fetched_once(issuer: IssuerOfTokens) -> None:
    who = authenticator_of(issuer)
    for _ in range(3):
        await authenticator.authenticate(who, issuer.token())
    assert issuer.asked == [f"{ISSUER}/.well-known/openid-configuration", f"{ISSUER}/keys"]


async def test_new_keys_are_fetched_when_a_token_names_one_but_not_for_every_invention(issuer: IssuerOfTokens) -> None:
    who = authenticator_of(issuer)
    await authenticator.authenticate(who, issuer.token())
    issuer.rsa("two")
    fresh = issuer.token(kid="two")
    assert "does not have" in await refusal(who, fresh)  # within the pause
    issuer.now = jwks.PAUSE + 1
    assert (await authenticator.authenticate(who, fresh)).subject == "alice"
    before = len(issuer.asked)
    for n in range(20):
        await refusal(who, issuer.token(headers={"kid": f"invented-{n}"}))
    assert len(issuer.asked) == before
    del issuer.keys["one"]
    issuer.now += jwks.FRESH + 1
    assert (await authenticator.authenticate(who, fresh)).subject == "alice"


async def test_a_withdrawn_key_stops_to_hold_when_the_keys_are_fetched_anew(issuer: IssuerOfTokens) -> None:
    who, old = authenticator_of(issuer), issuer.token()
    await authenticator.authenticate(who, old)
    issuer.rsa("two")
    del issuer.keys["one"]
    issuer.now = jwks.FRESH + 1
    assert "does not have" in await refusal(who, old)


async def test_while_the_issuer_is_down_known_keys_hold_for_a_day_and_then_nobody_gets_in(
    issuer: IssuerOfTokens,
) -> None:
    who, token = authenticator_of(issuer), issuer.token()
    issuer.reachable = False
    assert "cannot be checked" in await refusal(who, token, 503)
    issuer.reachable, issuer.now = True, jwks.PAUSE + 1
    await authenticator.authenticate(who, token)
    issuer.reachable = False
    issuer.now += jwks.FRESH + 1
    assert (await authenticator.authenticate(who, token)).subject == "alice"
    issuer.now += jwks.STALE
    assert "cannot be checked" in await refusal(who, token, 503)


async def test_metadata_of_another_issuer_is_not_followed(issuer: IssuerOfTokens) -> None:
    async def other(url: str) -> Any:
        return {"issuer": "https://elsewhere.example", "jwks_uri": "https://elsewhere.example/keys"}

    keys = jwks.Keys(ISSUER, None, other, lambda: 0.0)
    with pytest.raises(BackupError):
        await keys.key("one", "RS256")


@given(st.text(max_size=300) | st.from_regex(r"[\w-]{0,40}\.[\w-]{0,40}\.[\w-]{0,40}", fullmatch=True))
async def test_any_text_as_a_token_is_refused_in_words(text: str) -> None:
    maker = IssuerOfTokens()
    who = replace(
        authenticator_of(maker),
        file=static_tokens.TokensFile(Path("/nowhere"), (static_tokens.StaticToken("ci", "read", b"\0" * 32),)),
    )
    with pytest.raises(TokenRejectedError):
        await authenticator.authenticate(who, text)


# --- static tokens ----------------------------------------------------------------------------------------------------


def file(path: Path, *entries: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"tokens": list(entries)}), encoding="utf-8")
    path.chmod(0o600)
    return path


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


async def test_static_tokens_hold_plain_or_hashed(tmp_path: Path) -> None:
    path = file(
        tmp_path / "tokens.json",
        {"name": "alice", "role": "destroy", "sha256": hashed(SECRET)},
        {"name": "ci", "role": "read", "token": OTHER},
    )
    who = authenticator.configure(settings.load(tokens_file=path))
    assert who.required
    alice, ci = await authenticator.authenticate(who, SECRET), await authenticator.authenticate(who, OTHER)
    assert (alice.subject, roles.role_of(alice.scopes), ci.subject, roles.role_of(ci.scopes)) == (
        "alice",
        "destroy",
        "ci",
        "read",
    )
    assert "not known" in await refusal(who, SECRET + "x")
    assert "not known" in await refusal(who, hashed(SECRET))  # the hash is no token


async def test_a_changed_file_is_read_again_and_a_broken_one_is_not(tmp_path: Path) -> None:
    path = file(tmp_path / "tokens.json", {"name": "alice", "role": "read", "token": SECRET})
    seconds = itertools.count(step=2)
    who = Authenticator(static_tokens.TokensFile(path, clock=lambda: next(seconds)))
    await authenticator.authenticate(who, SECRET)
    file(path, {"name": "alice", "role": "read", "token": OTHER})
    assert "not known" in await refusal(who, SECRET)
    path.write_text("{", encoding="utf-8")
    assert (await authenticator.authenticate(who, OTHER)).subject == "alice"


def test_plain_tokens_that_others_can_read_are_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("greenlake_backup_mcp"), "propagate", True)
    path = file(tmp_path / "tokens.json", {"name": "alice", "role": "read", "token": SECRET})
    static_tokens.read_file(path)
    assert not caplog.records
    os.chmod(path, 0o644)
    static_tokens.read_file(path)
    assert "others can read" in caplog.text
    assert SECRET not in caplog.text
    caplog.clear()
    path = file(tmp_path / "hashed.json", {"name": "alice", "role": "read", "sha256": hashed(SECRET)})
    os.chmod(path, 0o644)
    static_tokens.read_file(path)
    assert not caplog.records


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([], "holds no token"),
        ([{"name": "a", "role": "admin", "token": SECRET}], "none of read, operate, destroy"),
        ([{"name": "a", "role": "read"}], 'either "sha256" or "token"'),
        ([{"name": "a", "role": "read", "token": "short"}], "at least 24"),
        ([{"name": "a", "role": "read", "sha256": "zz"}], "64 hexadecimal"),
        ([{"name": "", "role": "read", "token": SECRET}], 'needs a "name"'),
        ([{"name": "a", "role": "read", "token": SECRET, "rolle": "x"}], "may hold"),
        ([{"name": "a", "role": "read", "token": SECRET}, {"name": "b", "role": "read", "token": SECRET}], "twice"),
        ([{"name": "a", "role": "read", "token": SECRET}, {"name": "a", "role": "read", "token": OTHER}], "name twice"),
        (["x"], "may hold"),
    ],
)
def test_a_wrong_tokens_file_is_refused_without_quoting_a_token(
    tmp_path: Path, entries: list[Any], reason: str
) -> None:
    path = tmp_path / "tokens.json"
    path.write_text(json.dumps({"tokens": entries}), encoding="utf-8")
    with pytest.raises(BackupError, match=reason) as caught:
        static_tokens.read_file(path)
    assert SECRET not in caught.value.message


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"tokens": 3}', '{"tokens": null}', "\x00"])
def test_what_is_no_tokens_file_is_said_to_be_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "tokens.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(BackupError, match="tokens file"):
        static_tokens.read_file(path)
    with pytest.raises(BackupError, match="No such file"):
        static_tokens.read_file(tmp_path / "none.json")


# --- settings and roles -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"issuer": ISSUER}, "GREENLAKE_MCP_PUBLIC_URL"),
        ({"issuer": "http://login.example.com", "public_url": PUBLIC}, "https"),
        ({"issuer": ISSUER, "public_url": PUBLIC, "jwks_url": "http://x.example/keys"}, "https"),
        ({"issuer": ISSUER, "public_url": PUBLIC, "role_scopes": "a,b"}, "three different names"),
        ({"issuer": ISSUER, "public_url": PUBLIC, "role_scopes": "a,b,b"}, "three different names"),
    ],
)
def test_an_issuer_is_configured_completely_or_not_at_all(arguments: dict[str, Any], reason: str) -> None:
    with pytest.raises(BackupError, match=reason):
        authenticator.configure(settings.load(**arguments))


def test_without_tokens_nobody_must_show_one() -> None:
    assert not authenticator.configure(settings.load()).required


def test_each_role_may_what_those_before_it_may_and_no_reader_changes_anything() -> None:
    tools = (*registry.tools(), *builtin.TOOLS)
    may = {role: {t.name for t in tools if roles.role_allows(role, t)} for role in roles.ROLES}
    assert may["read"] < may["operate"] < may["destroy"] == {t.name for t in tools}
    assert {t.danger for t in tools if t.name in may["read"]} == {Danger.READ}
    barred = {t.danger for t in tools if t.name not in may["operate"]}
    assert barred == {Danger.DESTROY, Danger.SECRET}
    assert "run_plan" in may["operate"]
    assert all(roles.role_allows(roles.required_role(t), t) for t in tools)


def test_a_login_without_any_role_reads_at_most() -> None:
    assert roles.role_of([]) == "read"
    assert roles.role_of(["destroy", "read"]) == "read"
