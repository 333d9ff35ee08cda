"""`python3 dev.py bench [NAME …]`: the benchmarks, or those named."""

from __future__ import annotations

import importlib
import sys

ALL = ("foundation", "lists", "http", "catalog")

for name in sys.argv[1:] or ALL:
    print(f"== {name}")
    importlib.import_module(f"tests.benchmarks.{name}").main()
