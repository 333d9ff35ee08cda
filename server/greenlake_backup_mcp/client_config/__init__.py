"""What clients of MCP need in their configuration files."""
