"""What the doctor asks of the deployments that made predictions."""

from datetime import datetime, timedelta

import pytest

from handrail.errors import InvalidInput
from handrail.lineage.domain.facts import Facts, describe_derivation
from handrail.lineage.domain.flaws import Coverage, Flaw
from handrail.lineage.domain.names import artifact_at
from handrail.lineage.ports import GraphAudit
from handrail.lineage.service import doctor
from handrail.lineage.service.doctor import Doctor, DoctorPorts
from tests.fakes.approvals_world import TickingClock
from tests.fakes.lineage_graph import GraphInMemory

DEPLOYMENT = "deploy://local/flights/d1"
DATA = "dvc://shop/data/raw.csv@" + "ab" * 16
COMMIT = "git://shop/" + "c0" * 20
SHA256 = "sha256:" + "5a" * 32


class NoFlaws(GraphAudit):
    """An audit that finds nothing."""

    def flaws(self, overdue):
        return ()

    def is_empty(self):
        return False


def a_doctor(facts, predictions=7, registered=(), audit=None):
    graph = GraphInMemory()
    graph.record(facts)
    made, named = {DEPLOYMENT: predictions}, {DEPLOYMENT: registered}
    ports = DoctorPorts(
        graph, audit or NoFlaws(), lambda project: (), tuple, {}, lambda: named, lambda: made, TickingClock()
    )
    return Doctor(ports)


def served_from(*causes):
    """Return what a deployment was made from, each a URI with its digest."""
    effect = artifact_at(DEPLOYMENT)
    return Facts.union(describe_derivation(effect, artifact_at(uri, digest), "dvc") for uri, digest in causes)


def kinds(found):
    return [flaw.kind for flaw in found]


def test_predictions_with_a_commit_and_a_sha256_of_data_are_traced(tmp_path):
    well = a_doctor(served_from((DATA, SHA256), (COMMIT, None)))

    assert well.check(tmp_path) == ()
    assert well.coverage() == Coverage(7, 7)


@pytest.mark.parametrize(
    "digest",
    [None, "md5:" + "ab" * 16, "sha1:" + "ab" * 20, "sha512:" + "ab" * 64, "sha256-tree:" + "ab" * 32, "etag:ab"],
)
def test_another_digest_of_data_than_a_sha256_does_not_count(tmp_path, digest):
    unsure = a_doctor(served_from((DATA, digest), (COMMIT, None)))

    assert kinds(unsure.check(tmp_path)) == ["predictions-without-data"]
    assert unsure.coverage() == Coverage(7, 0)


def test_a_sha256_of_something_else_than_data_does_not_count(tmp_path):
    tree = "tree://sha256/" + "5a" * 32
    without = a_doctor(served_from((tree, SHA256), (COMMIT, None)))

    assert kinds(without.check(tmp_path)) == ["predictions-without-data"]


def test_predictions_without_a_commit_are_not_traced(tmp_path):
    without = a_doctor(served_from((DATA, SHA256)))

    assert kinds(without.check(tmp_path)) == ["predictions-without-commit"]
    assert without.coverage() == Coverage(7, 0)


def test_predictions_of_a_deployment_that_lineage_does_not_know_are_not_traced(tmp_path):
    unknown = a_doctor(Facts())

    assert kinds(unknown.check(tmp_path)) == ["unlinked-predictions"]
    assert unknown.coverage() == Coverage(7, 0)


def test_a_deployment_without_predictions_is_not_judged(tmp_path):
    idle = a_doctor(Facts(), predictions=0)

    assert idle.check(tmp_path) == ()
    assert idle.coverage() == Coverage(0, 0)


def test_a_run_has_a_day_to_end(tmp_path):
    class Asked(NoFlaws):
        def flaws(self, overdue):
            return (Flaw("run-never-ended", overdue.isoformat(), "x"),)

    (flaw,) = a_doctor(Facts(), predictions=0, audit=Asked()).check(tmp_path)

    assert datetime.fromisoformat(flaw.subject) == TickingClock()() - timedelta(days=1)


def test_what_a_deployment_was_registered_with_has_to_lead_to_it(tmp_path):
    given = a_doctor(served_from((DATA, SHA256), (COMMIT, None)), registered=(DATA, "bento://flights/b2", COMMIT))

    (flaw,) = given.check(tmp_path)

    assert (flaw.kind, flaw.subject) == ("deployment-differs", DEPLOYMENT)
    assert "bento://flights/b2, which" in flaw.detail


def test_a_deployment_that_lineage_does_not_know_differs_from_nothing(tmp_path):
    assert a_doctor(Facts(), predictions=0, registered=("bento://flights/b2",)).check(tmp_path) == ()


def test_a_walk_that_was_cut_short_is_not_taken_for_a_whole_one(tmp_path, monkeypatch):
    facts = served_from((DATA, SHA256), (COMMIT, None))
    whole, cut = a_doctor(facts), a_doctor(facts)

    monkeypatch.setattr(doctor, "MAX_NODES", 3)
    assert whole.check(tmp_path) == ()
    monkeypatch.setattr(doctor, "MAX_NODES", 2)

    assert kinds(cut.check(tmp_path)) == ["too-large-to-check"]
    assert kinds(a_doctor(facts, 0, registered=(COMMIT, "bento://b")).check(tmp_path)) == []
    assert cut.coverage() == Coverage(7, 0)


def failing(error):
    def look():
        raise error

    return look


def with_altered(impossible, **altered):
    graph = GraphInMemory()
    return Doctor(
        DoctorPorts(graph, NoFlaws(), lambda project: (), lambda: impossible, altered, dict, dict, TickingClock())
    )


def test_what_an_impossible_value_is_in_the_way_of_is_named_and_the_rest_is_checked(tmp_path):
    wrong = Flaw("impossible-value", "lineage_node, uri 'a'", "its id is 'x', which cannot have been recorded")
    other = Flaw("changed-token", "token ann", "altered")
    looks = {"events": failing(TypeError("text")), "moves": lambda: [other], "log": failing(OverflowError("far"))}

    found = with_altered([wrong], **looks).check(tmp_path)

    blocked = "a value that cannot be is in the way: see impossible-value"
    assert found == (other, wrong, Flaw("not-checked", "events", blocked), Flaw("not-checked", "log", blocked))


def test_without_such_a_value_an_error_is_not_hidden(tmp_path):
    with pytest.raises(TypeError):
        with_altered([], events=failing(TypeError("a fault of our own"))).check(tmp_path)


def test_a_row_that_cannot_be_read_is_a_flaw(tmp_path):
    error = InvalidInput("uri", "'' is not a name", "Send 1.")

    assert with_altered([], log=failing(error)).check(tmp_path) == (
        Flaw("not-checked", "log", "a row cannot be read: uri: '' is not a name. Send 1."),
    )


def test_coverage_counts_nothing_where_an_impossible_value_is_in_the_way():
    wrong = [Flaw("impossible-value", "a", "b")]
    for impossible in (wrong, []):
        ports = DoctorPorts(
            GraphInMemory(),
            NoFlaws(),
            tuple,
            lambda found=impossible: found,
            {},
            dict,
            failing(TypeError()),
            TickingClock(),
        )
        if impossible:
            assert Doctor(ports).coverage() == Coverage(0, 0)
        else:
            with pytest.raises(TypeError):
                Doctor(ports).coverage()
