"""`python -m greenlake_backup_mcp` is the command line."""

from .cli import main

raise SystemExit(main())
