"""Cards and pictures for clients that show views (MCP Apps), and the tools that only those views call."""
