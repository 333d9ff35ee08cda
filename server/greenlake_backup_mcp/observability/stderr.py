"""Log lines to stderr by a thread of its own: a client that never reads stderr costs lines, not answers.

A pipe holds some 64 kB, then a write waits for its reader. Lines that find no place are counted and dropped.
Knows nothing of what lines say.
"""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
from contextlib import suppress
from typing import TextIO

MOST_LINES = 1000  # waiting to be written
LAST_SECONDS = 1.0  # that the end of the process waits for them


class StderrHandler(logging.Handler):
    """Writes to the stderr of its making; where that is no file of the system, as in tests, at once."""

    def __init__(self) -> None:
        super().__init__()
        self._stream: TextIO = sys.stderr
        try:
            self._descriptor = self._stream.fileno()
        except (AttributeError, OSError, ValueError):
            self._descriptor = -1
        self._lines: queue.Queue[bytes] = queue.Queue(MOST_LINES)
        self._writer: threading.Thread | None = None
        self._dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Hand the line on; never waits for whoever reads it."""
        try:
            line = self.format(record) + "\n"
        except Exception:
            self.handleError(record)
            return
        if self._descriptor < 0:
            with suppress(OSError, ValueError):
                self._stream.write(line)
            return
        if self._writer is None:
            self._writer = threading.Thread(target=self._write, name="stderr", daemon=True)
            self._writer.start()
        if self._dropped:
            line = f"({self._dropped} log lines dropped: nobody read stderr)\n{line}"
        try:
            self._lines.put_nowait(line.encode("utf-8", "replace"))
            self._dropped = 0
        except queue.Full:
            self._dropped += 1

    def flush(self) -> None:
        """Wait for what is to be written, but not for ever."""
        with self._lines.all_tasks_done:
            if self._lines.unfinished_tasks:
                self._lines.all_tasks_done.wait_for(lambda: not self._lines.unfinished_tasks, LAST_SECONDS)

    def _write(self) -> None:
        while True:
            content = self._lines.get()
            with suppress(OSError):  # closed: nobody will read any line
                while content:
                    content = content[os.write(self._descriptor, content) :]
            self._lines.task_done()
