"""Entry of the Claude Desktop bundle."""

import os
import sys

from greenlake_backup_mcp.cli.parser import main

switch = os.environ.get("GREENLAKE_MCP_READ_ONLY", "").strip()
if not switch or switch.startswith("${"):  # a host that leaves it unfilled must not open what begins closed
    os.environ["GREENLAKE_MCP_READ_ONLY"] = "true"

raise SystemExit(main(["serve", *sys.argv[1:]]))
