"""The official conformance suite over HTTP, in both protocol versions: `python -m tests.conformance`.

Starts the server with a simulated tenant. The suite and the Node it needs come from npm, once, into a directory beside
the caches (`--directory`); what is expected to fail stands in the .yml files here, each with its reason.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.replicas import answering, free_port, process

HERE = Path(__file__).parent
NODE, SUITE = "node@22", "@modelcontextprotocol/conformance@0.2.0-alpha.12"  # Node 20 lacks fs.globSync
REVISIONS = ("2025-11-25", "2026-07-28")
DEFAULT = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "greenlake-backup-mcp" / "conformance"


def installed(directory: Path) -> Path:
    """The directory of the suite's programs; installs it where it is missing."""
    programs = directory / "node_modules" / ".bin"
    if not (programs / "conformance").exists():
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "package.json").write_text('{"private": true}\n', encoding="utf-8")
        print(f"Installing {NODE} and {SUITE} into {directory} …", flush=True)
        npm = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run([*npm, NODE, SUITE], cwd=directory, check=True)
    return programs


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--directory", type=Path, default=DEFAULT)
    options = parser.parse_args()
    if shutil.which("npm") is None:
        print("Missing: npm (Node.js). The suite comes from there.")
        return 2
    programs = installed(options.directory)
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    failed = []
    with tempfile.TemporaryDirectory(prefix="conformance-") as temporary:
        port, directory = free_port(), Path(temporary)
        serve = [sys.executable, "-m", "greenlake_backup_mcp", "serve", "--demo", "--http", f"127.0.0.1:{port}"]
        serve += ["--allowed-origins", f"http://127.0.0.1:{port},http://localhost:{port}"]  # pages are named here, too
        with process(*serve, log=directory / "server.log"):
            answering(port)
            for revision in REVISIONS:
                print(f"== {revision}", flush=True)
                command = [str(programs / "conformance"), "server", "--url", f"http://127.0.0.1:{port}/mcp"]
                command += ["--requirements", revision, "--expected-failures", str(HERE / f"{revision}.yml")]
                result = subprocess.run(
                    command, cwd=directory, env=environment, check=False, capture_output=True, text=True
                )
                text = result.stdout.partition("=== SUMMARY ===")[2] or result.stdout + result.stderr
                print(text.strip(), flush=True)
                if result.returncode:
                    failed.append(revision)
    print(f"Failed: {', '.join(failed)}" if failed else "As expected in both versions.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
