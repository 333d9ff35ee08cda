"""Entry of the Claude Desktop bundle."""

from greenlake_backup_mcp.cli import main

raise SystemExit(main(["serve"]))
