"""What is applied is in lineage, once for each set of specifications."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.entrypoints.feast.provider.shop import HANDRAIL_STORE, PROVIDER, YAML, objects, open_shop

pytestmark = pytest.mark.filterwarnings("ignore:.* is an experimental feature:RuntimeWarning")


def test_applying_again_adds_nothing(project, told):
    writable = open_shop(project / "features")

    writable.apply(objects(project / "features"))

    assert len(told.uris("apply")) == 1
    assert len(told.uris("feature_view")) == 2


DEFINITIONS = """
from pathlib import Path
from tests.entrypoints.feast.provider.shop import objects

made = objects(Path(__file__).parent)
globals().update({f"made_{number}": each for number, each in enumerate(made)})
"""


def test_what_the_command_line_applies_is_recorded(project, told):
    folder = project / "features"
    open_shop(folder, provider="local")
    (folder / "feature_store.yaml").write_text(YAML.format(provider=PROVIDER, store=HANDRAIL_STORE))
    (folder / "definitions.py").write_text(DEFINITIONS)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[4]), "FEAST_USAGE": "False"}

    command = [str(Path(sys.executable).with_name("feast")), "-c", str(folder), "apply"]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
    (uri,) = told.uris("apply")
    assert told.node(uri).attributes["views"] == "2"
