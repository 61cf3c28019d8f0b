"""The package for a device, run by a Python that has no Handrail: equal answers, or one sentence."""

from __future__ import annotations

import base64
import json
import shutil
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from handrail.bootstrap import open_platform
from handrail.entrypoints.cli import build
from handrail.feedback import prediction_id_for
from handrail.scoring import Scorer, row_digests
from tests.adapters.delivery.conftest import KINDS
from tests.fakes.bare_python import run
from tests.fakes.permitted_tree import revoke

ROWS = [
    {"subject": "a", "carrier": "UA", "minute_of_day": 615, "temp": 71.6, "distance_miles": 1400.0},
    {"subject": "b", "carrier": "ZZ", "minute_of_day": 1, "temp": None, "distance_miles": 200},
    {"subject": "c", "carrier": None, "minute_of_day": 1439.5, "temp": -3.25, "distance_miles": None, "more": 1},
]


@pytest.fixture
def device(packaged, tmp_path):
    return packaged.unpacked(tmp_path / "device")


@pytest.fixture
def asked(packages, packaged):
    def ask(folder: Path, rows=ROWS, kind: str = "binary", **changed: str):
        use, key_id = (changed.get(name, packaged.said["edge", kind][name]) for name in ("use", "key_id"))
        sent = "".join(json.dumps(row) + "\n" if isinstance(row, dict) else row for row in rows)
        return run(packages, str(folder / "edge.py"), "--use", use, "--key-id", key_id, sent=sent)

    return ask


@pytest.mark.parametrize("kind", KINDS)
def test_a_device_answers_as_the_scorer_does(packaged, asked, tmp_path, kind):
    scorer = Scorer.load(packaged.folder / kind)
    encoded = scorer.encode({name: [row.get(name) for row in ROWS] for name in scorer.features})
    expected = scorer.answer_encoded(encoded)

    done = asked(packaged.unpacked(tmp_path / "device", kind=kind), kind=kind)

    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, "")
    assert np.allclose([one["score"] for one in answers], expected.score, rtol=1e-6, atol=0)
    assert [one["label"] for one in answers] == expected.label.tolist()
    assert [one["features_digest"] for one in answers] == row_digests(encoded)
    for row, one in zip(ROWS, answers, strict=True):
        made_at, deployment = datetime.fromisoformat(one["made_at"]), packaged.said["edge", kind]["deployment"]
        assert one["prediction_id"] == prediction_id_for(deployment, row["subject"], made_at)


def test_handrail_is_not_there(packages):
    assert "No module named 'handrail'" in run(packages, "-c", "import handrail").stderr


def test_a_package_is_the_same_to_the_byte_each_time(own, tmp_path):
    tree, to = own.folder / "binary", tmp_path / "again.tar"

    done = CliRunner().invoke(build(), ["delivery", "package", "edge", "--tree", str(tree), "--to", str(to)])

    assert done.exit_code == 0, done.output
    assert to.read_bytes() == Path(own.said["edge", "binary"]["file"]).read_bytes()
    assert "python edge.py --use test/flights/champion/local --key-id" in done.stdout


def test_its_answers_are_recorded_and_lead_back_to_the_bytes(own, device, asked, tmp_path):
    answers = tmp_path / "answers.ndjson"
    answers.write_text(asked(device).stdout)

    done = CliRunner().invoke(build(), ["feedback", "import", str(answers)])

    assert done.exit_code == 0, done.output
    first, said = json.loads(answers.read_text().splitlines()[0]), own.said["edge", "binary"]
    with open_platform(own.settings) as platform:
        assert platform.feedback.find_prediction(first["prediction_id"]).score == first["score"]
        trace = {node.uri for node in platform.lineage.trace(first["prediction_id"]).nodes}
    assert {said["deployment"], said["model_version"]} <= trace


@pytest.mark.parametrize(
    "name", ["model/onnx/model.onnx", "model/scoring.json", "permit.json", "gate.pub", "revoked.dsse"]
)
def test_an_altered_byte_is_refused_in_one_sentence(device, asked, name):
    content = bytearray((device / name).read_bytes())
    content[int(len(content) * 0.6)] ^= 1
    (device / name).write_bytes(content)

    done = asked(device)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_a_permit_that_somebody_rewrote_is_refused(device, asked):
    envelope = json.loads((device / "permit.json").read_text())
    statement = json.loads(base64.b64decode(envelope["payload"]))
    statement["predicate"]["environment"] = "prod"
    envelope["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()
    (device / "permit.json").write_text(json.dumps(envelope))

    done = asked(device, use="test/flights/champion/prod")

    assert (done.returncode, done.stdout) == (1, "")
    assert "was not signed by the gate" in done.stderr


@pytest.mark.parametrize(
    ("asking", "said"),
    [
        ({"use": "test/flights/champion/prod"}, "what is wanted is test/flights/champion/prod"),
        ({"use": "test/flights/shadow/local"}, "The permit allows test/flights/champion/local"),
        ({"key_id": "0" * 64}, "is trusted"),
    ],
    ids=["environment", "alias", "key"],
)
def test_another_use_or_key_is_refused(device, asked, asking, said):
    done = asked(device, **asking)

    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr


def test_an_expired_permit_is_refused_on_the_device(packaged, device, packages):
    said = packaged.said["edge", "binary"]
    late = [
        f"import sys; sys.path.insert(0, {str(device)!r})",
        "import datetime as d, permitted as p",
        "class Late(d.datetime): now = classmethod(lambda cls, zone: cls(2101, 1, 1, tzinfo=zone))",
        "p.datetime = Late",
        f"p.read_permitted(p.Path({str(device)!r}), (), {said['use']!r}, {said['key_id']!r})",
    ]

    done = run(packages, "-c", "\n".join(late))

    assert "NotPermitted: The permit expired at 2100-01-01" in done.stderr


def test_a_permit_that_was_taken_back_is_refused_once_the_device_has_the_list(own, device, asked):
    revoke(own.settings, "pr-test")
    shutil.copy(own.settings.permits / "revoked.dsse", device)

    done = asked(device)

    assert (done.returncode, done.stdout) == (1, "")
    assert "taken back by Bea" in done.stderr
    assert "it leaks" in done.stderr


def test_a_bad_row_is_named_by_its_line_and_the_others_are_answered(device, asked):
    bad = [
        "{\n",
        {"carrier": "UA"},
        {**ROWS[0], "temp": "warm"},
        {name: value for name, value in ROWS[0].items() if name != "temp"},
        {**ROWS[0], "carrier": 7},
        {**ROWS[0], "minute_of_day": 10**400},
        "[]\n",
    ]

    done = asked(device, [ROWS[0], *bad, ROWS[1]])

    assert [json.loads(line)["subject"] for line in done.stdout.splitlines()] == ["a", "b"]
    assert done.returncode == 1
    said = done.stderr.splitlines()
    assert [line.split(":")[1].strip() for line in said] == [f"line {number}" for number in range(2, 9)]
    assert "temp is 'warm'; write a number" in said[2]
    assert "temp is missing" in said[3]


def test_what_is_no_number_is_never_answered(packaged, asked, tmp_path):
    huge = {**ROWS[0], "temp": 1e300, "distance_miles": -1e300}

    done = asked(packaged.unpacked(tmp_path / "device", kind="regression"), [huge], "regression")

    assert (done.returncode, done.stdout) == (1, "")
    assert "'a': the model answers no number" in done.stderr


def test_a_tree_without_a_permit_is_not_packaged(own, tmp_path):
    (own.folder / "binary" / "MLmodel").write_text("changed: true\n")
    command = ["delivery", "package", "edge", "--tree", str(own.folder / "binary"), "--to", str(tmp_path / "new.tar")]

    done = CliRunner().invoke(build(), command)

    assert done.exit_code == 1
    assert "permit" in str(done.exception)
    assert not (tmp_path / "new.tar").exists()


def test_the_runner_is_short_enough_to_be_read(device):
    assert all(len((device / name).read_text().splitlines()) <= 100 for name in ("edge.py", "permitted.py"))
