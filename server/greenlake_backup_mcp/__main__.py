"""`python -m greenlake_backup_mcp` is the command line."""

import os
import sys

if not sys.flags.safe_path and sys.path[:1] in ([""], [os.getcwd()]):
    del sys.path[0]  # a mcp.py or logging.py in the directory where one stands is not to be run

from .cli.parser import main

raise SystemExit(main())
