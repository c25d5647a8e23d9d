"""A shell session that runs the code blocks of one page, and stops at the first command that fails."""

import os
import shutil
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.template import ROOT

BLOCK_SECONDS = 240
_FAILING_CURL = '#!/bin/sh\nexec "{curl}" --fail-with-body "$@"\n'
"""The documentation's commands do not check the status of responses; the tests do."""


class BlockFailed(AssertionError):
    """A command of a block failed, or the block took too long."""


class Shell:
    """Runs blocks in one bash process, so that variables and functions carry over. Use it as a context manager."""

    def __init__(self, home: Path, folder: Path) -> None:
        self._folder = folder
        curl = shutil.which("curl")
        assert curl is not None, "The documentation's commands need curl."
        programs = folder / "bin"
        programs.mkdir()
        (programs / "curl").write_text(_FAILING_CURL.format(curl=curl))
        (programs / "curl").chmod(0o755)
        inherited = {name: os.environ[name] for name in ("HOME", "LANG", "PYTHONPATH", "TMPDIR") if name in os.environ}
        environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "JOURNEYS_HOME": str(home),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self._bash = subprocess.Popen(
            ["bash"],
            cwd=ROOT,
            env=inherited | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._number = 0
        self._tell("set -eo pipefail")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._bash.kill()
        self._bash.wait()

    def run(self, text: str) -> str:
        """Runs a block and returns its output. Raises BlockFailed with the text of the block and its output."""
        self._number += 1
        script, done = self._folder / f"block-{self._number}.sh", f"--- block {self._number} is done ---"
        script.write_text(text)
        timer = threading.Timer(BLOCK_SECONDS, self._bash.kill)
        timer.start()
        try:
            # the block must not read the session's own input
            self._tell(f". {script} </dev/null")
            self._tell(f"printf '\\n%s\\n' '{done}'")
            lines: list[str] = []
            assert self._bash.stdout is not None
            for line in self._bash.stdout:
                if line.rstrip("\n") == done:
                    return "".join(lines)
                lines.append(line)
        except BrokenPipeError:
            lines = ["The shell ended before the block.\n"]
        finally:
            timer.cancel()
        raise BlockFailed(f"This block failed:\n\n{text}\nIts output:\n\n{''.join(lines)}")

    def _tell(self, line: str) -> None:
        assert self._bash.stdin is not None
        self._bash.stdin.write(line + "\n")
        self._bash.stdin.flush()
