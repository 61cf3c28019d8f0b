"""A process that has read a source by dlt may still look for a name in all modules, as pickle does."""

import subprocess
import sys

LOOKS = "import pickle; print(pickle.whichmodule(object(), 'a name that no module has'))"


def run(text):
    return subprocess.run([sys.executable, "-c", text], capture_output=True, text=True)


def test_after_an_api_was_opened_pickle_finds_its_names():
    done = run(f"import handrail.acquisition.adapters.dlt_http; {LOOKS}")

    assert (done.returncode, done.stdout) == (0, "__main__\n"), done.stderr


def test_dlt_alone_stands_in_the_way():
    """Where this passes no more, neither the module nor what it takes away is needed."""
    assert "MissingDependencyException" in run(f"import dlt; {LOOKS}").stderr
