"""Views where they run, in Chromium driven by Playwright: `python -m tests.views [draw FOLDER | pytest's options]`.

Needs /usr/bin/chromium (Debian: chromium) and the extra `browser`; without them it says so and ends well. With npm it
brings AppBridge of @modelcontextprotocol/ext-apps as a second host, and says where that was left out.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from . import host

HERE = Path(__file__).parent
CHROMIUM = Path("/usr/bin/chromium")
PACKAGES = ("@modelcontextprotocol/ext-apps@2.0.4", "@modelcontextprotocol/sdk@1", "zod@4", "esbuild@0.28")


def bundle(place: Path) -> str:
    """Make AppBridge's host in a folder; why not, where it cannot be."""
    npm = shutil.which("npm")
    if npm is None:
        return "there is no npm here"
    quiet = ("--no-audit", "--no-fund", "--silent", "--prefix", str(place))
    brought = subprocess.run([npm, "install", *quiet, *PACKAGES], capture_output=True, check=False)
    if brought.returncode:
        return f"npm cannot bring {PACKAGES[0]}"
    shutil.copy(HERE / "bridge.mjs", place)
    command = [
        str(place / "node_modules/.bin/esbuild"),
        "bridge.mjs",
        "--bundle",
        "--format=esm",
        "--outfile=bridge.js",
    ]
    made = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    if made.returncode:
        return f"esbuild: {made.stderr[:300]}"
    host.BUNDLE["bridge.js"] = place / "bridge.js"
    return ""


def main() -> int:
    """Run the tests of views in a browser, and say what was left out."""
    if not CHROMIUM.exists() or importlib.util.find_spec("playwright") is None:
        print("views: left out, there is no /usr/bin/chromium or no playwright here (extra `browser`)")
        return 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        if why := bundle(Path(place)):
            print(f"views: AppBridge as the second host is left out: {why}")
        os.chdir(HERE.parents[1])
        options, folder = sys.argv[1:], ""
        if options[:1] == ["draw"]:
            folder, options = str(Path(options[1]).resolve()), ["-k", "screenshots"]
            os.environ["VIEW_SCREENSHOTS"] = folder
        files = [str(path) for path in sorted(HERE.glob("browser_*.py"))]
        status = int(pytest.main([*files, "-n", "0", "-W", "default", *options]))
        if folder:
            shutil.copy(Path(folder) / "confirm-light-640.png", "docs/card.png")
        return status


if __name__ == "__main__":
    raise SystemExit(main())
