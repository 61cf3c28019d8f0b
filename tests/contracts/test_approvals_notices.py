"""`NoticeBoard`: the same promises by the fake and on MLflow's own pages."""

import pytest

from handrail.approvals.adapters.mlflow_notices import MlflowNotices, is_own_notice
from handrail.approvals.domain.judging import Judgement, Verdict
from handrail.approvals.domain.notices import notice_of
from handrail.errors import Unavailable, UnknownReference
from tests.fakes.approvals import EVIDENCE
from tests.fakes.approvals_notices import MemoryBoard
from tests.fakes.approvals_world import World
from tests.fakes.mlflow_database import with_tables


class Memory:
    """Writes in the fake."""

    def __init__(self):
        self.board = MemoryBoard()
        self.board.created["flights", 1] = 101

    def describe(self, text):
        self.board.descriptions["flights", 1] = text

    def page(self):
        return self.board.descriptions.get(("flights", 1), ""), self.board.tags.get(("flights", 1), {})

    def model_page(self):
        return self.board.model_descriptions.get("flights", "")

    def make_again(self):
        self.board.created["flights", 1] += 1


class Mlflow:
    """Writes in MLflow's store, of which only version 1 of flights is there."""

    def __init__(self, folder):
        from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore

        self.store = SqlAlchemyStore(with_tables(folder / "mlflow.db"))
        self.store.create_registered_model("flights")
        self.store.create_model_version("flights", "s3://b/m")
        self.own, self.broken = [], None
        self.board = MlflowNotices(lambda: self)

    def __getattr__(self, name):
        method = getattr(self.store, name)

        def call(*given):
            self.own.append(is_own_notice())
            if self.broken:
                raise self.broken
            return method(*given)

        return method if name.startswith("get") else call

    def get_model_version(self, name, version):
        found = self.store.get_model_version(name, version)
        found._creation_time = 101 + getattr(self, "later", 0)
        return found

    def update_model_version(self, name, version, description):
        return self.store.update_model_version(name, version, description)

    def describe(self, text):
        self.store.update_model_version("flights", "1", text)

    def page(self):
        found = self.store.get_model_version("flights", "1")
        return found.description or "", found.tags

    def model_page(self):
        return self.store.get_registered_model("flights").description or ""

    def make_again(self):
        self.later = 1


@pytest.fixture(params=["memory", "mlflow"])
def pages(request, tmp_path):
    return Memory() if request.param == "memory" else Mlflow(tmp_path)


@pytest.fixture
def world():
    return World()


@pytest.fixture
def notice(world):
    return notice_of(world.ledger.load(world.ask()), Judgement(Verdict.PENDING), None, "/mlf")


def test_a_notice_is_written_around_what_people_wrote(pages, notice):
    pages.describe("Our best.")

    pages.board.put(notice)

    description, tags = pages.page()
    assert notice.text in description
    assert description.endswith("Our best.")
    assert tags["approval.champion.status"] == "pending"
    assert tags["approval.champion.page"] == f"/mlf/handrail/requests/{notice.request_id}"
    assert "(/mlf/handrail/timeline/flights/champion)" in pages.model_page()


def test_repeating_changes_nothing(pages, notice):
    pages.board.put(notice)
    before = pages.page(), pages.model_page()

    pages.board.put(notice)

    assert (pages.page(), pages.model_page()) == before


def test_a_newer_notice_stays(pages, world, notice):
    asked = world.ask(evidence=EVIDENCE | {"comparison": {"ci_low": 0.0}})
    newer = notice_of(world.ledger.load(asked), Judgement(Verdict.PENDING), None)
    pages.board.put(newer)

    pages.board.put(notice)

    assert pages.page()[1]["approval.champion.request"] == newer.request_id


def test_a_version_that_was_made_again_gets_no_notice_of_the_one_before(pages, notice):
    pages.make_again()

    with pytest.raises(UnknownReference):
        pages.board.put(notice)

    assert pages.page()[1] == {}


def test_what_mlflow_refuses_is_one_sentence_and_written_as_the_gate(tmp_path, notice):
    pages = Mlflow(tmp_path)
    pages.broken = OSError("disk I/O error")

    with pytest.raises(Unavailable, match="disk I/O error"):
        pages.board.put(notice)
    pages.broken = None
    pages.board.put(notice)

    assert set(pages.own) == {True}
    assert not is_own_notice()


def test_a_version_that_is_gone_is_unknown(tmp_path, notice):
    pages = Mlflow(tmp_path)
    pages.store.delete_model_version("flights", "1")

    with pytest.raises(UnknownReference):
        pages.board.put(notice)
