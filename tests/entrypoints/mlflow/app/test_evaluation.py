"""What the gate measures itself, on a real server: honest candidates pass, and forged evidence changes nothing."""

from pathlib import Path

import httpx
import pytest
import yaml

from handrail.bootstrap.approvals import tree_digest
from handrail.errors import InvalidInput, Refused, UnknownReference
from tests.fakes.labelled_rows import GOOD, WEAK, files_of, labelled_rows, write_rows

POLICY = {
    "version": 2,
    "alias": "measured",
    "quorum": {"ml-engineer": 1, "business-stakeholder": 1},
    "rules": [
        {"measure": "evaluation.roc_auc", "at_least": 0.74, "because": "the least that is worth serving"},
        {"measure": "parity.max_difference", "at_most": 1.0e-5, "level": "claimed"},
        {"measure": "comparison.ci_low", "at_least": -0.005, "if_replacing": True},
    ],
}
CLAIMED = {"evaluation": {"roc_auc": 0.80}, "parity": {"max_difference": 0.0}}


@pytest.fixture
def measured(server):
    """A policy that wants quality and comparison recomputed, for this test alone; models are named by `measure`."""
    policy, plans = server.settings.config / "policies" / "measured.yaml", server.settings.config / "evaluation.yaml"
    policy.write_text(yaml.safe_dump(POLICY))
    server.take_files()
    yield Measured(server, plans)
    policy.unlink()
    plans.unlink(missing_ok=True)
    server.take_files()


class Measured:
    """Asks for promotions under that policy."""

    def __init__(self, server, plans):
        self.server, self.plans = server, plans

    def measure(self, *models, **keys):
        content = {"version": 1, "models": {model: keys for model in models}}
        self.plans.write_text(yaml.safe_dump(content))
        self.server.take_files()

    def make(self, folder, weights=GOOD, name=None, **more):
        made = self.server.make_version(name=name, files=files_of(Path(folder), weights, **more))
        if name is None:
            self.measure(made.name)
        return made

    def hand_in(self, made, file, account="ada"):
        with self.server.gate(account) as gate:
            return gate.hand_in(made.name, file)

    def ask(self, made, snapshot=None, evidence=CLAIMED):
        """Ask, and return the request once it is measured."""
        with self.server.gate("ada") as gate:
            request = gate.open_request(
                model=made.name,
                version=made.version,
                alias="measured",
                reason="better",
                evidence=evidence,
                snapshot=snapshot,
            )
            return gate.measured(request)

    def promote(self, made, snapshot):
        request = self.ask(made, snapshot)
        made.say(request["request_id"], "ben")
        return made.say(request["request_id"], "cleo")


@pytest.fixture
def rows(tmp_path):
    return write_rows(tmp_path / "rows.parquet")


def test_an_honest_model_is_measured_and_promoted_and_the_permit_says_at_which_level(server, measured, rows, tmp_path):
    made = measured.make(tmp_path / "good")
    snapshot = measured.hand_in(made, rows)

    request = measured.ask(made, snapshot)
    done = measured.promote(made, snapshot)

    assert request["verdict"] == "pending"
    quality, parity = request["measures"]
    assert (quality["level"], quality["by"], quality["met"]) == ("recomputed", "the gate", True)
    assert 0.74 < quality["value"] < 0.9
    assert (parity["level"], parity["by"]) == ("claimed", "ada")
    assert request["evaluation"]["isolation"]["system_calls"] == "filtered"
    assert (done["verdict"], done["request_id"]) == ("promoted", request["request_id"])


def test_a_number_that_is_better_than_the_model_is_refused_by_the_name_of_the_level(measured, rows, tmp_path):
    made = measured.make(tmp_path / "weak", WEAK)

    claimed = measured.ask(made)
    seen = measured.ask(made, measured.hand_in(made, rows))

    assert claimed["verdict"] == seen["verdict"] == "refused"
    assert claimed["reasons"] == [
        "evaluation.roc_auc is 0.8, claimed by ada; the policy wants it recomputed (the least that is worth serving)."
    ]
    (reason,) = seen["reasons"]
    assert reason.startswith("evaluation.roc_auc is 0.6")
    assert reason.endswith(
        ", recomputed by the gate; the policy wants at least 0.74 (the least that is worth serving). "
        "0.8 was claimed by ada."
    )


def test_a_forged_comparison_changes_nothing(measured, rows, tmp_path):
    champion = measured.make(tmp_path / "good")
    snapshot = measured.hand_in(champion, rows)
    tree = measured.promote(champion, snapshot)["tree_digest"]
    weak = measured.make(tmp_path / "weak", WEAK, name=champion.name)
    forged = CLAIMED | {"comparison": {"ci_low": 0.01, "incumbent": tree}}

    without, seen = measured.ask(weak, evidence=forged), measured.ask(weak, snapshot, forged)

    assert any(
        "comparison.ci_low is 0.01, claimed by ada; the policy wants it recomputed" in r for r in without["reasons"]
    )
    assert any(r.startswith("comparison.ci_low is -0.") and "recomputed by the gate" in r for r in seen["reasons"])
    assert seen["evaluation"]["measures"]["comparison"]["incumbent"] == tree


@pytest.mark.any_version
def test_the_same_bytes_under_a_fresh_name_are_not_measured(measured, rows, tmp_path):
    known = measured.make(tmp_path / "known")
    fresh = measured.make(tmp_path / "again", name=measured.server.new_name())

    request = measured.ask(fresh, measured.hand_in(fresh, rows))

    assert request["verdict"] == "refused"
    assert f"no model to measure named {fresh.name!r}" in request["reasons"][0]
    assert known.name in request["reasons"][0]


@pytest.mark.any_version
def test_a_rejection_is_shown_on_every_later_request_for_the_same_files(measured, rows, tmp_path):
    made = measured.make(tmp_path / "good")
    snapshot = measured.hand_in(made, rows)
    first = measured.ask(made, snapshot)
    made.say(first["request_id"], "cleo", "reject")

    again = measured.ask(made, snapshot, CLAIMED | {"more": {"says": "nothing"}})
    copy = measured.make(tmp_path / "copy", name=made.name)
    other = measured.ask(copy, snapshot)

    for request in (again, other):
        assert request["request_id"] != first["request_id"]
        assert [row["request_id"] for row in request["rejections"]] == [first["request_id"]]
        assert f"in {first['request_id']}: 'looked at it'" in request["reasons"][-1]


@pytest.mark.any_version
def test_evidence_of_another_tree_says_nothing(measured, rows, tmp_path):
    """The numbers are honest, and about the good model; they are sent for the weak one."""
    good = measured.make(tmp_path / "good")
    snapshot = measured.hand_in(good, rows)
    honest = measured.ask(good, snapshot)["evaluation"]["measures"]
    weak = measured.make(tmp_path / "weak", WEAK)

    request = measured.ask(weak, snapshot, CLAIMED | {"evaluation": honest["evaluation"]})

    assert request["verdict"] == "refused"


def test_a_model_that_reads_the_label_is_not_measured(measured, rows, tmp_path):
    made = measured.make(tmp_path / "leak", features=("carrier", "minute_of_day", "temp", "late"))

    request = measured.ask(made, measured.hand_in(made, rows))

    assert request["verdict"] == "refused"
    assert "reads 'late', which a model must not know" in request["reasons"][0]


@pytest.mark.any_version
def test_who_handed_in_the_rows_cannot_approve(server, measured, tmp_path):
    rows = write_rows(tmp_path / "of-ben.parquet", labelled_rows(seed=7))
    made = measured.make(tmp_path / "good")
    body = {"username": "ben", "resource_type": "registered_model", "resource_id": made.name, "permission": "EDIT"}
    granted = server.admin.post("/api/3.0/mlflow/users/permissions/grant", json=body)
    assert granted.status_code == 200, granted.text
    snapshot = measured.hand_in(made, rows, "ben")

    request = measured.ask(made, snapshot)

    assert request["authors"] == ["ada", "ben"]
    with pytest.raises(Refused, match="Ben made the candidate"):
        made.say(request["request_id"], "ben")


@pytest.mark.any_version
def test_looks_at_one_snapshot_are_budgeted(measured, rows, tmp_path):
    first = measured.make(tmp_path / "1", (0.0, 0.0011))
    measured.measure(first.name, looks=2)
    snapshot = measured.hand_in(first, rows)
    others = [measured.make(tmp_path / str(n), (0.0, 0.001 + n / 1e4), name=first.name) for n in (2, 3)]

    requests = [measured.ask(made, snapshot) for made in (first, *others, first)]

    assert [request["verdict"] for request in requests] == ["pending", "pending", "refused", "pending"]
    assert "2 trees of" in requests[2]["reasons"][0]
    assert "'looks' in config/evaluation.yaml allows 2" in requests[2]["reasons"][0]


@pytest.mark.any_version
@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"late": [0] * 600}, "every row has the same label"),
        ({"flight_id": ["twice"] * 600}, "missing or there twice"),
        ({"late": [2] * 600}, "2.0 is no binary label"),
        ({"temp": ["warm"] * 600}, "a feature holds no numbers"),
    ],
)
def test_rows_that_cannot_be_used_are_refused_with_a_sentence(measured, tmp_path, changed, words):
    made = measured.make(tmp_path / "good")
    file = write_rows(tmp_path / "rows.parquet", labelled_rows(**changed))

    request = measured.ask(made, measured.hand_in(made, file))

    assert request["verdict"] == "refused"
    assert words in request["reasons"][0]


@pytest.mark.any_version
def test_only_parquet_of_somebody_who_may_change_the_model_is_kept(server, measured, rows, tmp_path):
    made = measured.make(tmp_path / "good")
    text = tmp_path / "rows.csv"
    text.write_text("late\n1\n")

    with pytest.raises(InvalidInput, match="not a Parquet file"):
        measured.hand_in(made, text)
    with pytest.raises(Refused, match="lacks the permission"):
        measured.hand_in(made, rows, "dora")
    with pytest.raises(UnknownReference, match="no snapshot named 'sha256:0"):
        measured.ask(made, "sha256:" + "0" * 64)
    with server.person("ada") as http:
        answer = http.post(f"/handrail/api/v1/snapshots?model={made.name}", content=rows.read_bytes())
    assert answer.status_code == 415
    assert httpx.post(f"{server.url}/handrail/api/v1/snapshots?model={made.name}", content=b"").status_code == 401


@pytest.mark.any_version
def test_nobody_decides_before_it_is_measured_and_asking_again_does_not_measure_again(measured, rows, tmp_path):
    made = measured.make(tmp_path / "good")
    snapshot = measured.hand_in(made, rows)

    request = measured.ask(made, snapshot)
    again = measured.ask(made, snapshot)

    assert again["evaluation"] == request["evaluation"]
    assert request["tree_digest"] == tree_digest(made.tree)
