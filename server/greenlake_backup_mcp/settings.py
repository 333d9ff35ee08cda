"""TABLE of settings: each is a field here, an environment variable and a command-line flag of the same name.

Precedence: flag, environment, default. A value that is empty, or a placeholder that nobody filled in (the literal
`${user_config.x}` of a Claude Desktop bundle), counts as unset. Must know nothing of what the settings are used for.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from greenlake_backup_mcp.errors import SettingsError

Region = Literal["us-west", "eu-west", "eu-central", "ap-northeast"]


def _of_tenant(description: str, *variables: str) -> Any:
    """A setting of the tenant, from a variable of its own name."""
    return Field(None, validation_alias=AliasChoices(*variables), description=description)


class Settings(BaseSettings):
    """Everything a person can set. Durations in seconds, sizes in tokens or requests as said."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True, env_prefix="GREENLAKE_MCP_")

    # which tenant
    region: Region | None = _of_tenant("Region of the tenant.", "GREENLAKE_REGION")
    api_base_url: str | None = _of_tenant("Base URL instead of a region.", "GREENLAKE_API_BASE_URL")
    client_id: str | None = _of_tenant("Id of a personal API client.", "GREENLAKE_CLIENT_ID")
    client_secret: SecretStr | None = _of_tenant("Its secret (environment only).", "GREENLAKE_CLIENT_SECRET")
    workspace_id: str | None = _of_tenant("Workspace of the API client.", "GREENLAKE_WORKSPACE_ID")
    token_url: str | None = _of_tenant(
        "Token endpoint instead of the workspace's (or the SSO one without a workspace).",
        "GREENLAKE_TOKEN_URL",
        "GREENLAKE_TOKEN_ISSUER",
    )
    token: SecretStr | None = _of_tenant("A ready access token (environment only).", "GREENLAKE_TOKEN")
    demo: bool = Field(False, description="Work on a simulated tenant; nothing is real.")
    seed: int = Field(7, description="Seed of the simulated tenant.")

    # what is offered
    toolsets: str = Field("", description="Only these toolsets, comma-separated.")
    read_only: bool = Field(False, description="Offer and allow reads only.")
    surface: Literal["all", "search"] = Field(
        "all", description="A tool per operation, or three that find and call them beside four over the estate."
    )
    spec: Path | None = Field(None, description="Your own copy of the API description (JSON).")

    # consent
    ask: Literal["auto", "always", "card", "never"] = Field(
        "auto",
        description="How the person consents: `auto` by a question of the client, else in a card, else by code; "
        "`always` by question or card, `card` by card alone (else refused), `never` by code.",
    )
    secret: SecretStr | None = Field(
        None,
        description="Key of the confirmation codes, shared by replicas; several separated by commas, newest first.",
    )
    state_dir: Path | None = Field(
        None, description="Directory of what this server keeps for its user (default: the platform's)."
    )
    audit_log: Path | None = Field(None, description="File to which every call that changes something is appended.")
    reveal_secrets: bool = Field(False, description="Show passwords and one-time codes in answers.")

    # served over HTTP
    http: str | None = Field(None, description="HOST:PORT to serve streamable HTTP on, at /mcp, instead of stdio.")
    public_url: str | None = Field(
        None, description="URL under which clients reach /mcp; its host is allowed, tokens are issued for it."
    )
    allowed_hosts: str = Field("", description="Further Host headers to allow, comma-separated (any port if none).")
    allowed_origins: str = Field("", description="Further browser origins to allow, comma-separated.")
    max_body: int = Field(1_048_576, ge=1024, le=64 * 1_048_576, description="Most bytes of one HTTP request.")
    grace: float = Field(30, ge=0, le=3600, description="Seconds that running calls get to end at a shutdown.")
    stateless: bool = Field(
        False, description="No sessions for clients before 2026-07-28: any replica answers, but none can ask a person."
    )
    tokens_file: Path | None = Field(
        None, description="JSON file of static bearer tokens, each with a name and a role."
    )
    issuer: str | None = Field(None, description="Issuer whose JWTs are accepted as bearer tokens.")
    audience: str | None = Field(None, description="Audience those must name (default: the public URL).")
    jwks_url: str | None = Field(None, description="The issuer's keys (default: as its metadata says).")
    role_claim: str = Field("scope", description="Claim that holds the roles.")
    role_scopes: str = Field(
        "backup:read,backup:operate,backup:destroy",
        description="What stands in it for the roles read, operate and destroy, in this order.",
    )
    redis_url: SecretStr | None = Field(
        None, description="Redis in which replicas share which codes were used (environment only)."
    )

    # the backup catalog
    catalog: str | None = Field(
        None, description="The backup catalog: a file, `memory` or `off` (default: a file of this user)."
    )
    catalog_fill: bool = Field(False, description="Fill the catalog from the start, not from the first question on.")
    catalog_keep: int = Field(400, ge=1, le=3650, description="Days that the catalog remembers changes.")

    # questions over the estate
    exceptions: Path | None = Field(
        None, description="JSON file of assets left out on purpose: which, who accepts it, why, until when."
    )
    timezone: str | None = Field(
        None, description="Time zone of answers over the estate, Europe/Berlin (default: the machine's)."
    )

    # how it works
    reading: str = Field(
        "", description="Readings of the documents to fix, as name=value by comma; else they are found out."
    )
    wait: float = Field(8, ge=0, le=3600, description="Seconds to follow a task before handing it back.")
    budget: int = Field(6000, ge=500, le=100_000, description="Most tokens of one answer.")
    scan_cap: int = Field(10_000, ge=1, le=1_000_000, description="Most items of a collection that a summary reads.")
    rate: float = Field(120, gt=0, description="Most requests a minute to the service.")
    concurrency: int = Field(4, ge=1, le=64, description="Most requests at once to the service.")
    timeout: float = Field(30, gt=0, le=600, description="Seconds until a request is given up.")
    retries: int = Field(4, ge=0, le=10, description="Further attempts of a read that failed in passing.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("warning", description="Log level (stderr).")
    log_json: bool = Field(False, description="Log as JSON lines.")

    @model_validator(mode="before")
    @classmethod
    def _unset(cls, values: Any) -> Any:
        """Empty values and placeholders that nobody filled are no values, and what guards something stays closed."""
        if not isinstance(values, dict):
            return values
        filled: dict[str, Any] = {}
        for key, value in values.items():
            text = value.strip("\ufeff \t\r\n") if isinstance(value, str) else value
            unfilled = isinstance(text, str) and is_placeholder(text) and not _may_be_secret(key, text)
            if unfilled and (key in CLOSED or key in GUARDS):
                filled[key] = CLOSED.get(key, text)
            elif text != "" and not unfilled:
                filled[key] = text  # without line ends: a secret that was read from a file has one
        return filled


CLOSED = {"read_only": True}
"""What an unfilled placeholder means where the default is the open one."""
GUARDS = ("tokens_file", "issuer", "audit_log")
"""Settings without which nobody would be asked or recorded: an unfilled placeholder there is refused."""
_PLACEHOLDER = re.compile(
    r"\$\{[^{}]+\}|\$\{\{[^{}]+\}\}|\$\([\w.:-]+\)|\$(?:env:)?[A-Za-z_]\w*|%[A-Za-z_][\w.:()-]*%|\{\{[^{}]+\}\}"
    r"|\{(?:env|file|input|user_config)[:.][^{}]+\}"
)


def _may_be_secret(key: str, text: str) -> bool:
    """Whether a secret begins with a dollar like a shell's variable: only names in capitals are taken for one."""
    return key.lower().endswith(("secret", "token")) and re.fullmatch(r"\$\w*[a-z]\w*|\$.", text) is not None


def is_placeholder(text: str) -> bool:
    """Whether a value is the name of one that nobody filled in: `${X}`, `$X`, `%X%`, `{{x}}`, `{env:X}`, `$(X)`."""
    return _PLACEHOLDER.fullmatch(text.strip()) is not None


class _Flags(Settings):
    """The same without the environment."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  # as pydantic-settings calls it
        init_settings: PydanticBaseSettingsSource,
        *_: Any,
        **__: Any,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


WANTED = {"bool_parsing": "true or false", "int_parsing": "a whole number", "float_parsing": "a number"}
TENANT_SETTINGS = ("api_base_url", "client_id", "client_secret", "workspace_id", "token_url", "token")


def load(*, environment: bool = True, **flags: Any) -> Settings:
    """The settings of flags and environment; a BackupError names each wrong value and its variable.

    With the flag for a demo, credentials of the environment are not looked at: whoever typed it means it.
    """
    typed = {name: value for name, value in flags.items() if value is not None}
    try:
        settings = (Settings if environment else _Flags)(**typed)
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            name = variable(str(problem["loc"][0])) if problem["loc"] else "settings"
            value_words = "" if "secret" in name.lower() or "token" in name.lower() else f", not {problem['input']!r}"
            wanted = WANTED.get(problem["type"]) or problem["msg"].removeprefix("Input should be ")
            lines.append(f"{name} must be {wanted}{value_words}")
        cure = "Put it right where it is set (in Claude Desktop: the settings of the extension), then start again."
        raise _wrong("; ".join(lines), cure) from None
    if typed.get("demo") is True:
        settings = settings.model_copy(update={name: None for name in TENANT_SETTINGS if name not in typed})
    check(settings)
    return settings


def variable(name: str) -> str:
    """The environment variable of a setting, by its field's name (or the variable itself)."""
    field = Settings.model_fields.get(name)
    if field is None:
        return name
    alias = field.validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"GREENLAKE_MCP_{name.upper()}"


def _wrong(problem: str, cure: str) -> SettingsError:
    return SettingsError(f"Settings: {problem}.", hint=cure)


def check(settings: Settings) -> None:
    """Raise where settings contradict each other, or are those of an example."""
    for name in GUARDS:
        if (guard := getattr(settings, name)) is not None and is_placeholder(str(guard)):
            cure = "Fill it in, or leave it out on purpose: without it nobody is asked who they are, or recorded."
            raise _wrong(f"{variable(name)} is {str(guard)!r}, a placeholder that nobody filled in", cure)
    for name in ("workspace_id", "client_id", "client_secret", "token"):
        value = getattr(settings, name)
        text = value.get_secret_value() if isinstance(value, SecretStr) else value or ""
        if re.fullmatch(r"\s*(<.*>|\.\.\.|…)\s*", text, re.DOTALL):
            cure = "Put your own value there (README, Credentials)."
            raise _wrong(f"{variable(name)} still holds the placeholder of an example", cure)
    if settings.demo and (settings.api_base_url or settings.client_secret or settings.token):
        raise _wrong(
            "a demo (simulated tenant) was asked for, and credentials or a base URL of a real one are set",
            "Unset GREENLAKE_MCP_DEMO (--demo; in Claude Desktop: switch Demo off) to work on the real tenant, or "
            "the GREENLAKE_* credentials to work on the simulated one.",
        )
    if settings.region and settings.api_base_url:
        raise _wrong("both a region and a base URL are set", "Keep GREENLAKE_REGION or GREENLAKE_API_BASE_URL.")
    if settings.token and settings.client_secret:
        cure = "Keep GREENLAKE_TOKEN or GREENLAKE_CLIENT_ID with GREENLAKE_CLIENT_SECRET."
        raise _wrong("both a ready token and a client secret are set", cure)
    if bool(settings.client_id) != bool(settings.client_secret):
        raise _wrong(
            f"{'GREENLAKE_CLIENT_SECRET' if settings.client_id else 'GREENLAKE_CLIENT_ID'} is missing",
            "An API client has an id and a secret, and needs both. The secret was shown once; a lost one "
            "can be reset in HPE GreenLake (Manage Workspace, Personal API clients).",
        )


def defaults() -> Settings:
    """The defaults alone, whatever the environment says: for a server that can only tell what is wrong."""
    return Settings.model_construct()
