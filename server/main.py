"""Entry of the Claude Desktop bundle."""

import sys

from greenlake_backup_mcp.cli import main

raise SystemExit(main(["serve", *sys.argv[1:]]))
