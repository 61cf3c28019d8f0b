"""The package for a serverless function, under the runtime API over HTTP: it answers, or refuses to start."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator

import pytest

from handrail.scoring import Scorer
from tests.fakes.bare_python import command, run
from tests.fakes.function_runtime import FunctionRuntime, http_event

ROW = {"subject": "a", "carrier": "UA", "minute_of_day": 615, "temp": 71.6, "distance_miles": 1400.0}


OTHER = os.environ.get("HANDRAIL_TEST_FUNCTION_PYTHON")


def variables(said, **changes):
    return {"HANDRAIL_USE": said["use"], "HANDRAIL_KEY_ID": said["key_id"]} | changes


@pytest.fixture(scope="module")
def runtime(packaged, packages, tmp_path_factory) -> Iterator[FunctionRuntime]:
    """The runtime API, and the function's process behind it; its log is the file that the fixture `log` names."""
    folder = packaged.unpacked(tmp_path_factory.mktemp("function") / "code", "function")
    with FunctionRuntime() as runtime, (folder.parent / "log").open("w") as log:
        environment = {"PYTHONPATH": str(packages), "AWS_LAMBDA_RUNTIME_API": runtime.address}
        environment |= variables(packaged.said["function", "binary"])
        program = command(str(folder / "function.py"))
        if OTHER:
            # The client that AWS Lambda itself runs, in an environment of its own: `make check-packages`.
            program = [OTHER, "-m", "awslambdaric", "function.handler"]
            environment["PYTHONPATH"] = str(folder)
        process = subprocess.Popen(program, env=environment, stdout=log, cwd=folder)
        runtime.log = folder.parent / "log"
        yield runtime
        process.kill()
        process.wait()


def test_an_event_of_the_gateway_is_answered_and_logged(packaged, runtime):
    scorer = Scorer.load(packaged.folder / "binary")
    expected = scorer.answer({name: [ROW[name]] for name in scorer.features})

    answer = runtime.invoke(http_event(json.dumps({"rows": [ROW]})))

    body = json.loads(answer["body"])
    (one,) = body["predictions"]
    assert (answer["statusCode"], answer["headers"]) == (200, {"content-type": "application/json"})
    assert (one["score"], one["label"]) == (pytest.approx(float(expected.score[0]), rel=1e-6), int(expected.label[0]))
    assert body["deployment"] == packaged.said["function", "binary"]["deployment"]
    assert one in [json.loads(line) for line in runtime.log.read_text().splitlines()]


def test_a_packed_body_is_read(runtime):
    packed = base64.b64encode(json.dumps({"rows": [ROW, {**ROW, "subject": "b"}]}).encode()).decode()

    answer = runtime.invoke(http_event(packed, isBase64Encoded=True))

    assert [one["subject"] for one in json.loads(answer["body"])["predictions"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("event", "status", "said"),
    [
        (http_event(""), 400, "Nothing was predicted"),
        (http_event("[]"), 400, "Send an object with `rows`"),
        (http_event('{"rows": []}'), 400, "at least one row"),
        (http_event('{"rows": [1]}'), 400, "names no subject"),
        (http_event('{"rows": "' + "[" * 5000), 400, "Nothing was predicted"),
        (http_event("[" * 100_000), 400, "Nothing was predicted"),
        (http_event(json.dumps({"rows": [{**ROW, "temp": "warm"}]})), 400, "temp is 'warm'"),
        (http_event(json.dumps({"rows": [ROW] * 1001})), 413, "more than 1000"),
        (http_event("***", isBase64Encoded=True), 400, "Nothing was predicted"),
        (http_event("", "GET"), 405, "send POST"),
        (None, 400, "Nothing was predicted"),
        ({"body": 7, "requestContext": None}, 400, "Nothing was predicted"),
    ],
)
def test_bad_input_is_one_sentence_and_the_function_goes_on(runtime, event, status, said):
    answer = runtime.invoke(event)

    assert (answer["statusCode"], answer["headers"]["content-type"]) == (status, "application/problem+json")
    assert said in json.loads(answer["body"])["detail"]
    assert runtime.invoke(http_event(json.dumps({"rows": [ROW]})))["statusCode"] == 200


@pytest.mark.parametrize("name", ["model/onnx/model.onnx", "model/scoring.json", "permit.json"])
def test_altered_bytes_refuse_to_start(packaged, packages, tmp_path, name):
    folder = packaged.unpacked(tmp_path / "code", "function")
    (folder / name).write_bytes((folder / name).read_bytes()[:-1] + b" ")

    done = run(packages, str(folder / "function.py"), **variables(packaged.said["function", "binary"]))

    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_in_another_environment_it_refuses_to_start(packaged, packages, tmp_path):
    folder, said = packaged.unpacked(tmp_path / "code", "function"), packaged.said["function", "binary"]

    done = run(
        packages, str(folder / "function.py"), **variables(said, HANDRAIL_USE=said["use"].replace("local", "prod"))
    )

    assert done.returncode == 1
    assert "what is wanted is test/flights/champion/prod" in done.stderr
