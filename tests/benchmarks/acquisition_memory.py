"""How much memory `handrail acquire` takes for a small and a large table; `make bench-acquisition-memory SIZE=10GB`.

Tables of generated size lie in SQLite files. Each is acquired by the command in a process of its own, whose largest
resident set the system reports when it ends. Flat memory is a ratio near 1, whatever the sizes.
"""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.benchmarks import harness

SMALL, LARGE = os.environ.get("SMALL", "100MB"), os.environ.get("SIZE", "1GB")
ROW_BYTES, AT_ONCE, PAGE_ROWS, LIMIT_S = 1_000, 10_000, 1_000, 24 * 3600.0
COMMAND = "from handrail.entrypoints.cli import main; main()"
UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9}


@dataclass(frozen=True, slots=True)
class Acquired:
    """What one run took, and what it said meanwhile."""

    rows: int
    peak_bytes: int
    said: str


def main() -> None:
    """Acquire both sizes, print, and write the results."""
    load = harness.quiet_load()
    with tempfile.TemporaryDirectory(prefix="handrail-bench-") as folder:
        small, large = (acquire(Path(folder) / name, bytes_of(name)) for name in (SMALL, LARGE))
    sys.stderr.write(large.said)
    mb = 1e6
    row = harness.compare(
        LARGE, "peak memory", "MB", [large.peak_bytes / mb], (f"acquire {SMALL}", [small.peak_bytes / mb])
    )
    harness.finish("acquisition-memory", [row], load, LIMIT_S)


def bytes_of(size: str) -> int:
    """Return how many bytes a size such as 100MB is."""
    found = re.fullmatch(r"(\d+)(KB|MB|GB)", size)
    if found is None:
        sys.exit(f"error: {size!r} is no size. Write one such as 100MB or 10GB.")
    return int(found[1]) * UNITS[found[2]]


def acquire(folder: Path, size: int, row_bytes: int = ROW_BYTES) -> Acquired:
    """Make a table of about so many bytes, acquire it, and return what that took."""
    (folder / "config").mkdir(parents=True)
    rows = fill(folder / "source.db", size, row_bytes)
    url = f"sqlite:///{folder / 'source.db'}"
    database = {"url": url, "table": "readings", "cursor": "at", "page_rows": PAGE_ROWS}
    sources = {"version": 1, "tables": {"readings": {"key": ["id"], "database": database}}}
    (folder / "config" / "sources.yaml").write_text(yaml.safe_dump(sources, sort_keys=False))
    (folder / "config" / "handrail.yaml").write_text("repository: shop\nmodel_name: churn\n")
    environment = {**os.environ, "HANDRAIL_PROJECT": str(folder), "HANDRAIL_HOME": str(folder / ".handrail")}
    with (folder / "said.txt").open("wb") as said:
        command = [sys.executable, "-c", COMMAND, "acquire", "readings"]
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    text = (folder / "said.txt").read_text()
    if process.returncode:
        sys.exit(f"error: handrail acquire failed: {text.strip()[-800:]}")
    return Acquired(rows, usage.ru_maxrss * 1024, text)


def fill(file: Path, size: int, row_bytes: int) -> int:
    """Write rows until they are so many bytes; return how many rows."""
    rows, text = max(size // row_bytes, 1), "x" * (row_bytes - 40)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("create table readings (id integer primary key, at integer, x real, note text)")
        for begin in range(0, rows, AT_ONCE):
            some = ((i, i, i / 7, f"{text}{i}") for i in range(begin, min(begin + AT_ONCE, rows)))
            with connection:
                connection.executemany("insert into readings values (?, ?, ?, ?)", some)
        connection.execute("create index readings_at on readings (at)")
    return rows


if __name__ == "__main__":
    main()
