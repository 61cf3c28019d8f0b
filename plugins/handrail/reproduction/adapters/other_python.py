"""Another Python that answers a question: a reproduction's own interpreter, which may hold other packages than this."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handrail.errors import Unavailable

TIMEOUT_S = 1800


@dataclass(frozen=True, slots=True)
class OtherPython:
    """An interpreter, and the variables that it gets besides those of this process."""

    python: Path
    environment: Mapping[str, str]
    timeout_s: float = TIMEOUT_S

    def ask(self, script: Path, request: Mapping[str, Any], subject: str, remedy: str) -> Any:
        """Run `script <request.json> <answer.json>` and return its answer, parsed from JSON.

        Raises:
            Unavailable: about `subject`: the interpreter does not start, the script fails, takes longer than the
                timeout, or writes no answer.
        """
        with tempfile.TemporaryDirectory(prefix="handrail-asked-") as place:
            asked, answer = Path(place) / "request.json", Path(place) / "answer.json"
            asked.write_text(json.dumps(request), encoding="utf-8")
            try:
                run = self._run(script, asked, answer)
            except subprocess.TimeoutExpired as err:
                raise Unavailable(subject, f"{script.name} gave no answer within {self.timeout_s:g} s", remedy) from err
            except OSError as err:
                raise Unavailable(subject, f"{self.python} does not start ({err.strerror})", remedy) from err
            if run.returncode:
                printed = run.stderr.strip().splitlines() or [f"{script.name} failed and printed nothing"]
                raise Unavailable(subject, printed[-1].rstrip("."), remedy)
            try:
                return json.loads(answer.read_text(encoding="utf-8"))
            except (FileNotFoundError, ValueError) as err:
                raise Unavailable(subject, f"{script.name} ended without an answer", remedy) from err

    def _run(self, script: Path, asked: Path, answer: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.python), "-P", str(script), str(asked), str(answer)],
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=self.timeout_s,
            check=False,
        )
