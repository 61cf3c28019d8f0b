"""The program that measures, in a process of its own: `python -m handrail.approvals.adapters.evaluator`.

It reads what it is asked from its standard input and from descriptors that it is given, confines itself, and only
then looks at the packages and the rows. It writes two lines of JSON: what it cannot reach any more, and the outcome.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from handrail.approvals.adapters.confinement import confine, die_with_the_parent, leave_the_network
from handrail.errors import HandrailError


def main() -> int:
    """Answer one question; what others wrote ends in a sentence, a mistake of ours in another exit code."""
    die_with_the_parent()
    # While there is one thread: the libraries below start more.
    network = leave_the_network()
    # All code is loaded here: later no file can be opened.
    from handrail.approvals.adapters.foretelling import Foretold
    from handrail.approvals.adapters.measuring import describe, measure, warm_up

    task = json.load(sys.stdin)
    warm_up(task["plan"])
    files = {name: _read(descriptor) for name, descriptor in task["files"].items()}
    foretold = None
    if task["foretold"]:
        moments = task["foretold"]
        said = [(files.pop(f"foretold.{place}"), at) for place, at in enumerate(moments["files"])]
        foretold = Foretold(task["plan"]["columns"]["subject"], said, moments["handed_in"])
    given = confine(task["seconds"], task["megabytes"])
    _say(given | {"network": "none" if network else "the server's"})
    try:
        # Without a model the question is what the rows hold.
        alone = set(files) == {"snapshot"}
        _say(describe(task["plan"], files["snapshot"]) if alone else measure(task["plan"], files, foretold))
    except HandrailError as err:
        _say({"problem": str(err)})
    except MemoryError:
        _say({"problem": f"It needed more than {task['megabytes']:,} megabytes."})
    return 0


def _read(descriptor: int) -> bytes:
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
