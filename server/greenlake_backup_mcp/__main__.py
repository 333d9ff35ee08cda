"""`python -m greenlake_backup_mcp` is the command line."""

from .cli.parser import main

raise SystemExit(main())
