"""Run one stage of dvc.yaml by name: `python -m flows.steps <stage>`. Work happens in the stage's own module."""

from __future__ import annotations

import sys
from pathlib import Path

from flows.steps.stages import STAGES, run_stage
from handrail.errors import HandrailError


def main(arguments: list[str]) -> int:
    """Run the named stage in the current folder; return 0 when done, 1 when refused, 2 on misuse."""
    if len(arguments) != 1 or arguments[0] not in STAGES:
        print(f"usage: python -m flows.steps {{{','.join(STAGES)}}}", file=sys.stderr)
        return 2
    stage = arguments[0]
    try:
        run_stage(stage, Path.cwd())
    except HandrailError as err:
        print(f"{stage}: {err}", file=sys.stderr)
        return 1
    except OSError as err:
        print(f"{stage}: {_describe(err)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{stage}: interrupted; nothing half-done was kept. Run `dvc repro` again to continue.", file=sys.stderr)
        return 1
    return 0


def _describe(err: OSError) -> str:
    where = f"{err.filename}: " if err.filename else ""
    problem = (err.strerror or str(err)).rstrip(".").lower()
    return f"{where}{problem}. Free the disk or correct the permissions, then run `dvc repro` again."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
