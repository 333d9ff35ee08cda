"""The MCP surface: tools, prompts, resources, completions."""
