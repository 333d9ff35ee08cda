"""`doctor`: checks settings, what a start needs, token and one read, and says what is wrong and what cures it.

Knows the order of the checks. Must not show any secret.
"""

from __future__ import annotations

from . import mcp_server, starting
from .errors import BackupError
from .service import rest, wire
from .settings import Settings

NO_WAY = (
    "From this machine it must be reachable over HTTPS: look at name resolution, the firewall and, "
    "where there is a proxy, HTTPS_PROXY. A wrong GREENLAKE_API_BASE_URL or GREENLAKE_TOKEN_URL looks the same."
)

NO_PATH = (
    "A service answers there, and does not know the path of this API: look at the end of GREENLAKE_API_BASE_URL, "
    "which is best unset where GREENLAKE_REGION says enough."
)


async def examine(settings: Settings) -> int:
    """Print one line a check; 0 where all passed, 1 at the first that did not."""
    real = wire.shown(settings.api_base_url or "") or settings.region or "no tenant yet"
    where = "a simulated tenant" if settings.demo else real
    may = "reads only" if settings.read_only else "reads and writes"
    _say("", f"settings: {where}; {may}; ask {settings.ask}; {_credentials(settings)}")
    try:
        _say("ok", f"description: {len(mcp_server.offer(settings).offered)} tools")
        _say("ok", f"start: {_start(settings)}")
        if told := starting.unused(settings):
            _say("note", told)
        async with rest.connect(settings) as api:
            reply = await rest.send(
                api,
                rest.Request(
                    operation_id="ProtectionStoreList",
                    method="GET",
                    path="/backup-recovery/v1beta1/protection-stores",
                    query=(("limit", "1"),),
                    reads=True,
                ),
            )
        _say("ok", "token: accepted")
        total = reply.body.get("total") if isinstance(reply.body, dict) else None
        _say("ok", f"read: protection stores ({'number not told' if total is None else total})")
    except BackupError as problem:
        _say("WRONG", problem.message)
        if problem.status:
            _say("", f"HTTP {problem.status}" + (f", debug id {problem.debug_id}" if problem.debug_id else ""))
        lost = problem.kind == "service" and problem.status == 404  # no id was asked for that could be wrong
        cure = NO_WAY if problem.kind == "unreachable" else NO_PATH if lost else problem.hint
        if cure:
            _say("cure", cure)
        return 1
    _say("ok", "everything needed works")
    return 0


def _start(settings: Settings) -> str:
    """Where `serve` would listen, after the checks it makes before it does."""
    if not settings.http:
        starting.records(settings)
        return "on stdin and stdout"
    from .serving import http_server, live  # noqa: PLC0415

    host, port, known = http_server.checked(settings)
    live.create_app(settings, known=known, bound=host)
    return f"over HTTP on {host}, port {port}; {'with' if known.required else 'without'} logins"


def _credentials(settings: Settings) -> str:
    """Which credentials are there; never what they are."""
    if settings.demo:
        return "no credentials needed"
    if settings.token:
        return "a ready token"
    there = [name for name in ("client_id", "client_secret", "workspace_id") if getattr(settings, name)]
    return " and ".join(name.replace("_", " ") for name in there) + " set" if there else "no credentials"


def _say(mark: str, words: str) -> None:
    print(f"{mark:>5}  {words}")  # noqa: T201
