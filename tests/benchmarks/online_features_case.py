"""One measurement of reading online features, as JSON: `SIDE ROWS`, where the side is `handrail` or `feast`.

Both read the same rows of the same store, a Redis where `HANDRAIL_TEST_REDIS_URL` is set and `SIDE` ends in `-redis`.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from handrail.online_settings import OnlineSettings
from handrail.settings import Settings
from handrail.use_case import read_use_case
from tests.fakes.bento_project import NOON, REPOSITORY, flight, make_features

READS = {1: 200, 100: 20}


def times(read: Callable[[], object], count: int) -> dict[str, float]:
    """Return the median seconds of a reading, on the clock and of the processor; the first one does not count."""
    read()
    walls, processor = [], []
    for _ in range(count):
        wall, used = time.perf_counter(), time.thread_time()
        read()
        processor.append(time.thread_time() - used)
        walls.append(time.perf_counter() - wall)
    return {"wall_us": 1e6 * statistics.median(walls), "cpu_us": 1e6 * statistics.median(processor)}


def main() -> None:
    """Print the times of the side, with and without the on-demand view."""
    side, rows = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        url = os.environ["HANDRAIL_TEST_REDIS_URL"] if side.endswith("-redis") else None
        place = Path(folder)
        settings = Settings(project=place / "project", home=place / "home", online=OnlineSettings(url=url))  # type: ignore[arg-type]
        make_features(settings)
        from feature_repo.definitions import DEFAULT_SERVICE, ENTITIES, request_fields
        from feature_repo.online import forget, through_feast
        from feature_repo.store import open_feature_store
        from handrail.feast import open_online_reader

        store, case = open_feature_store(settings), read_use_case(REPOSITORY)
        items = [case.read_item(flight(number)) for number in range(1, rows + 1)]
        asked = {key: [item[key] for item in items] for key in ENTITIES} | request_fields(items)
        if side.startswith("feast"):
            found = times(lambda: through_feast(store, asked, NOON, DEFAULT_SERVICE), READS[rows])
        else:
            reader = open_online_reader(store, DEFAULT_SERVICE)
            assert reader is not None
            found = times(lambda: reader.read(asked, NOON), READS[rows])
            of_demand = times(lambda: [each.columns(asked) for each in reader.plan.computed], READS[rows])
            found |= {f"on_demand_{name}": value for name, value in of_demand.items()}
        forget(store)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
