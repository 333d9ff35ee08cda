"""Entry of the Claude Desktop bundle."""

import os
import sys

from greenlake_backup_mcp.cli.parser import main

if not os.environ.get(
    "GREENLAKE_MCP_READ_ONLY", ""
).strip():  # a host that leaves it out must not open what begins closed
    os.environ["GREENLAKE_MCP_READ_ONLY"] = "true"

raise SystemExit(main(["serve", *sys.argv[1:]]))
