"""The champion of the demo is made again from its commit: the same bytes, the same answers."""

import json

from tests.loop.conftest import git


def test_the_champion_is_reproduced_to_the_byte(loop):
    run = loop.run("handrail", "reproduce", "flights@champion", "--until", "package", "--json")

    assert run.returncode == 0, run.stdout + run.stderr
    told = json.loads(run.stdout)
    assert told["verdict"] == "reproduced", told["sentence"]
    assert told["stages"] == ["acquire", "validate", "features", "train", "package"]
    assert {"code", "features", "metrics", "model"} <= {each["part"] for each in told["compared"]}
    assert told["environment"]["differences"] == []
    assert told["predictions"]["rows"] > 20_000
    assert (told["predictions"]["max_difference"], told["predictions"]["labels_differ"]) == (0.0, 0)
    assert git(loop.clone, "status", "--porcelain") == ""
