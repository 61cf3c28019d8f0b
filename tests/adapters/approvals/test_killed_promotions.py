"""SIGKILL at every write of a promotion: whoever starts next finds log, ledger, alias and shelf in agreement."""

import json
import signal
from multiprocessing import get_context

import pytest

from tests.fakes.approvals_store import DATABASES, approvals_store
from tests.fakes.effort import TIMES
from tests.fakes.killed_promotion import promote_and_die, take_up

DEADLINE_S = 120
SAMPLE = 5
"""On PostgreSQL, which needs a schema for each, every fifth moment; all of them in `make soak`."""
WRITES = 9
"""A request, two decisions, intent, hold, the registry's commit, outcome and publication, and makers before them."""

pytestmark = pytest.mark.any_version


def _run(work, *arguments):
    """Run in a process of its own, forked from a clean one that has everything imported; return how it ended."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.fakes.killed_promotion"])
    process = context.Process(target=work, args=arguments)
    process.start()
    process.join(DEADLINE_S)
    return process.exitcode


@pytest.mark.parametrize("database", DATABASES)
def test_a_promotion_that_was_killed_at_any_write_is_finished_or_was_never_begun(database, tmp_path):
    with approvals_store(database, tmp_path) as store:
        url = store.engine.url.render_as_string(hide_password=False)
        assert _run(promote_and_die, tmp_path, url, None) == 0
    moments = int((tmp_path / "moments").read_text())
    assert moments >= 2 * WRITES

    ended = set()
    for at in range(0, moments, 1 if database == "sqlite" or TIMES > 1 else SAMPLE):
        folder = tmp_path / str(at)
        folder.mkdir()
        with approvals_store(database, folder) as store:
            url = store.engine.url.render_as_string(hide_password=False)
            assert _run(promote_and_die, folder, url, at) == -signal.SIGKILL
            assert _run(take_up, folder, url) == 0

        found = json.loads((folder / "found.json").read_text())
        started, repeated = found["started"], found["repeated"]
        assert (started["problems"], started["open"]) == ([], 0), at
        assert started["promoted"] == [started["alias"]] * started["shelf"], (at, started)
        assert repeated == {"problems": [], "open": 0, "promoted": [1], "alias": 1, "shelf": 1}, at
        ended.add(started["alias"])
    assert ended == {None, 1}
