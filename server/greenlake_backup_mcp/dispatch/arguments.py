"""What a model wrote → what the service gets: repair, validate, build the request.

Every refusal names the argument, what was given and what is allowed; nothing has been sent by then.
Must not know MCP, confirmation or rendering.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any
from urllib.parse import quote

from greenlake_backup_mcp.errors import BackupError, InputError
from greenlake_backup_mcp.openapi.document import Schema
from greenlake_backup_mcp.text import masking
from greenlake_backup_mcp.tools import json_bounds, repair, validation
from greenlake_backup_mcp.tools.danger import Danger
from greenlake_backup_mcp.tools.registry import LIST_BOUNDS, Argument, Tool
from greenlake_backup_mcp.upstream import published
from greenlake_backup_mcp.upstream.client import Request

MOST_PROBLEMS = 5  # in one answer
MOST_COUNTED = 50  # looked for: each costs a comparison with all names there are
# Names that clients add to every call by themselves (n8n, Cline, SiYuan); dropped where the tool has no such argument.
ADDED_BY_CLIENTS = {"toolCallId", "sessionId", "action", "chatInput", "tool", "task_progress", "_sessionID"}


def prepare(tool: Tool, raw: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments repaired and validated; BackupError lists up to five problems."""
    _refuse_unsendable(raw)
    own = tool.input_schema.get("properties", {})
    operation = tool.operation.id if tool.operation else ""
    if published.BESIDE in raw:
        raise InputError(validation.unknown_arguments(published.BESIDE, own))
    accepted = published.accept(operation, raw)
    named = {name: value for name, value in accepted.items() if name in own or name not in ADDED_BY_CLIENTS}
    named = {name: value for name, value in named.items() if not _is_unset(tool, name, value)}
    if named.get("output") in ("text", "table") and "output" in tool.arguments:
        del named["output"]  # the default of lists and of single items, which name it differently
    if unknown := [name for name in named if name not in own and name != published.BESIDE]:
        raise InputError("; ".join(validation.unknown_arguments(name, own) for name in unknown[:MOST_PROBLEMS]))
    arguments = published.accept(operation, repair.repair(tool.input_schema, named))
    if arguments != named:
        _refuse_unsendable(arguments)  # JSON within texts may have brought more
    problems = list(islice(_problems(tool, arguments), MOST_COUNTED))
    if problems:
        count = f"{len(problems) - MOST_PROBLEMS}{' or' if len(problems) == MOST_COUNTED else ''} more"
        more = f" (and {count})" if len(problems) > MOST_PROBLEMS else ""
        raise InputError("; ".join(problems[:MOST_PROBLEMS]) + more + ".")
    if tool.operation and tool.operation.method == "PATCH" and not tool.body_of(arguments):
        raise InputError(
            "There is nothing to change: no property is given.",
            hint="Give at least one of "
            + ", ".join(a.name for a in tool.arguments.values() if a.place == "body")
            + ".",
        )
    return arguments


def size_problem(tool: Tool | None, raw: Mapping[str, Any]) -> BackupError | None:
    """Why the arguments are too large to be looked at, for this tool; None where they are not.

    To be asked before masking, matching or validation see them: whatever one caller sends, the others are answered.
    """
    large = tool is not None and (tool.body is not None or tool.operation is None)
    if why := json_bounds.excess(dict(raw), json_bounds.LARGE if large else json_bounds.SMALL):
        name = tool.name if tool else "a tool"
        return InputError(f"The arguments are too large for {name}: {why}.", hint="Give less at once.")
    if (count := len(set(masking.secrets_in(raw)))) > masking.MOST_SECRETS:
        why = f"The arguments hold {count:,} secrets; one call has at most {masking.MOST_SECRETS}."
        return InputError(why, hint="Split it into several calls.")
    return None


def _is_unset(tool: Tool, name: str, value: Any) -> bool:
    """Whether a client that must fill every argument says by this value that it is not given; never of consent."""
    if name == "confirm" or name not in tool.arguments:
        return False
    return value is None or (value == "" and tool.arguments[name].place == "ours")


def _refuse_unsendable(arguments: Mapping[str, Any]) -> None:
    """Refuse what could neither be sent nor told."""
    if problems := json_bounds.problem_with(dict(arguments), MOST_PROBLEMS):
        raise InputError("; ".join(problems[:MOST_PROBLEMS]) + ".")


def build_request(tool: Tool, arguments: Mapping[str, Any]) -> Request:
    """The request that carries out the call; `arguments` come from `prepared`."""
    operation = tool.operation
    if operation is None:
        raise InputError(f"{tool.name} sends no request of its own.")
    path, query = operation.path, []
    for argument in tool.arguments.values():
        if argument.name not in arguments:
            continue
        value = arguments[argument.name]
        if argument.place == "path":
            path = path.replace("{" + argument.wire + "}", quote(str(value), safe=""))
        elif argument.place == "query":
            query.append((argument.wire, _wire_value(value)))
    body = tool.body_of(arguments)
    sends_body = operation.media_type is not None and (bool(body) or operation.body_required)
    return Request(
        operation_id=operation.id,
        method=operation.method,
        path=path,
        query=tuple(query),
        body=body if sends_body else None,
        media_type=operation.media_type if sends_body else None,
        reads=tool.danger is Danger.READ,
        tool=tool.name,
        beside=arguments.get(published.BESIDE, {}),
    )


def _wire_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)


def _problems(tool: Tool, arguments: Mapping[str, Any]) -> Iterator[str]:
    of_parameters = list(_parameter_problems(tool, arguments))
    yield from of_parameters
    faults = [one for one in validation.explain(tool.input_schema, dict(arguments), "") if one not in of_parameters]
    if tool.operation is None:
        faults += validation.unknown_names(tool.input_schema, dict(arguments), "")
    yield from faults
    if tool.lists and not faults:
        for name, bounds in LIST_BOUNDS.items():
            yield from validation.explain(bounds, arguments.get(name, 0), name)
    if not faults and tool.body is not None:
        yield from _body_problems(tool, tool.body, arguments)


def _parameter_problems(tool: Tool, arguments: Mapping[str, Any]) -> Iterator[str]:
    """What keeps path and query values from being sent."""
    for argument in tool.arguments.values():
        value = arguments.get(argument.name)
        if not isinstance(value, str) or argument.place not in ("path", "query"):
            continue
        unsafe = list(validation.unsafe_id(argument.name, value)) if argument.place == "path" else []
        yield from unsafe or validation.explain(_schema(tool, argument), value, argument.name)


def _schema(tool: Tool, argument: Argument) -> Schema:
    """What the description says of a path or query value."""
    parameters = tool.operation.parameters if tool.operation else ()
    return next(p.schema for p in parameters if p.name == argument.wire and p.place == argument.place)


def _body_problems(tool: Tool, schema: Schema, arguments: Mapping[str, Any]) -> Iterator[str]:
    """What the full description says of the body, beyond the schema that tools/list shows."""
    body = tool.body_of(arguments)
    # branches that only say which properties belong together are explained by the validator itself
    branches = [b for key in ("oneOf", "anyOf") for b in schema.get(key, ()) if "properties" in b]
    if branches and not any(
        validation.validator(b).is_valid(body) and not list(validation.unknown_names(b, body, "")) for b in branches
    ):
        yield validation.no_branch_matches(branches, body)
    elif not branches:
        yield from validation.explain(schema, body, "")
    yield from validation.unknown_names(schema, body, "")
    yield from dict.fromkeys(validation.unsafe_ids(schema, body, ""))
