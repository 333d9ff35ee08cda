"""An MCP server over the HPE GreenLake Backup and Recovery API."""

__version__ = "0.1.0"
