"""`doctor`: checks settings, what a start needs, token and one read, and says what is wrong and what cures it.

Knows the order of the checks. Must not show any secret.
"""

from __future__ import annotations

from greenlake_backup_mcp.errors import BackupError, ServiceError, Unreachable
from greenlake_backup_mcp.server import app, startup_checks
from greenlake_backup_mcp.settings import Settings
from greenlake_backup_mcp.upstream import client, transport
from greenlake_backup_mcp.upstream.connection_errors import AGAIN

from . import catalog

NO_WAY = (
    "From this machine it must be reachable over HTTPS: look at name resolution, the firewall and, "
    "where there is a proxy, HTTPS_PROXY. A wrong GREENLAKE_API_BASE_URL or GREENLAKE_TOKEN_URL looks the same."
)

NO_PATH = (
    "A service answers there, and does not know the path of this API: look at the end of GREENLAKE_API_BASE_URL, "
    "which is best unset where GREENLAKE_REGION says enough."
)


NO_WORKSPACE = (
    "GREENLAKE_WORKSPACE_ID is not set: tokens are asked of an endpoint that serves all workspaces. Where it refuses "
    "the API client, set the id of its workspace (Manage Workspace shows it)."
)


async def examine(settings: Settings) -> int:
    """Print one line a check; 0 where all passed, 1 at the first that did not."""
    real = transport.display_url(settings.api_base_url or "") or settings.region or "no tenant yet"
    where = "a simulated tenant" if settings.demo else real
    may = "reads only" if settings.read_only else "reads and writes"
    _print("", f"settings: {where}; {may}; ask {settings.ask}; {_credentials(settings)}")
    try:
        _print("ok", f"description: {len(app.tool_set(settings).offered)} tools")
        _print("ok", f"start: {_start(settings)}")
        if unused := startup_checks.unused_settings(settings):
            _print("note", unused)
        if settings.client_id and not (settings.workspace_id or settings.token_url or settings.demo):
            _print("note", NO_WORKSPACE)
        async with client.connect(settings) as api:
            reply = await client.send(api, client.ONE_READ)
        _print("ok", "token: accepted")
        total = reply.body.get("total") if isinstance(reply.body, dict) else None
        if (skew := api.transport.clock).seconds is not None:
            _print("note" if skew.note else "ok", f"clock: {skew.note or 'agrees with the service'}")
        _print("ok", f"read: protection stores ({'number not told' if total is None else total})")
        _print("ok", f"catalog: {catalog.describe(settings)}")
        for line in api.readings.describe():
            _print("note", line)
    except BackupError as problem:
        _print("WRONG", problem.message)
        if problem.status:
            _print("", f"HTTP {problem.status}" + (f", debug id {problem.debug_id}" if problem.debug_id else ""))
        lost = isinstance(problem, ServiceError) and problem.status == 404  # no id was asked for that could be wrong
        vague = isinstance(problem, Unreachable) and (not problem.hint or AGAIN in problem.hint)
        cure = NO_WAY if vague else NO_PATH if lost else problem.hint
        if cure:
            _print("cure", cure)
        return 1
    _print("ok", "everything needed works")
    return 0


def _start(settings: Settings) -> str:
    """Where `serve` would listen, after the checks it makes before it does."""
    if not settings.http:
        startup_checks.check_audit_log(settings)
        return "on stdin and stdout"
    from greenlake_backup_mcp.http import app, server  # noqa: PLC0415

    host, port, authenticator = server.check_settings(settings)
    app.create_app(settings, authenticator=authenticator, bound=host)
    return f"over HTTP on {host}, port {port}; {'with' if authenticator.required else 'without'} logins"


def _credentials(settings: Settings) -> str:
    """Which credentials are there; never what they are."""
    if settings.demo:
        return "no credentials needed"
    if settings.token:
        return "a ready token"
    names = ("client_id", "client_secret", "workspace_id")
    there = [name for name in names if getattr(settings, name)]
    missing = [f"GREENLAKE_{name.upper()}" for name in names if name not in there]
    unset = f"; not set: {', '.join(missing)}" if missing else ""
    return (" and ".join(name.replace("_", " ") for name in there) + " set" if there else "no credentials") + unset


def _print(mark: str, words: str) -> None:
    print(f"{mark:>5}  {words}")  # noqa: T201
