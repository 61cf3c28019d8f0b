"""A challenger gets its share when its bytes are permitted for that, and loses it with a reason."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from handrail.delivery import BuiltFor, Change, End, Judged, NewChallenger, Role, Rollout, Slot, Splitter
from handrail.errors import Conflict, InvalidInput, Refused, UnknownReference
from handrail.refs import Use
from tests.fakes.delivery import USE, PermitsInFolder, SplitsInMemory, TreesInMemory

AT = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "MLmodel").write_text("flavors: {}")
    return tree


@pytest.fixture
def splitter(tmp_path: Path) -> Splitter:
    permits = PermitsInFolder(tmp_path / "permits", used_as("canary"))
    return Splitter(
        Slot("local", "flights"), USE, tmp_path / "challengers", permits, SplitsInMemory(), lambda: AT, print
    )


def used_as(alias: str) -> Use:
    return replace(USE, alias=alias)


def add(splitter: Splitter, tree: Path, role: Role = Role.CANARY, share: float = 0.1, name: str = "two") -> Change:
    assert isinstance(splitter.permits, PermitsInFolder)
    digest = splitter.permits.allow(tree)
    return splitter.add(NewChallenger(name, role, share, digest), TreesInMemory(tree), "ada", "it looks better")


def test_a_challenger_with_a_permit_gets_its_share_and_lies_where_the_service_loads_it(
    splitter: Splitter, tree: Path
) -> None:
    change = add(splitter, tree)

    (challenger,) = change.split.challengers
    carried = splitter.carried(challenger)
    assert (change.number, change.by, change.reason) == (1, "ada", "it looks better")
    assert (challenger.alias, challenger.share) == ("canary", 0.1)
    assert challenger.deployment == f"deploy://local/flights/v1-{challenger.tree_digest[7:19]}"
    assert (carried.tree / "MLmodel").read_bytes() == (tree / "MLmodel").read_bytes()
    assert splitter.current() == change


def test_what_is_only_recorded_answers_under_a_service_of_its_own(splitter: Splitter, tree: Path) -> None:
    (challenger,) = add(splitter, tree, Role.SHADOW).split.challengers

    assert challenger.deployment.startswith("deploy://local/flights-shadow/")


def test_a_permit_for_the_shadow_gives_no_share_of_what_people_get(tmp_path: Path, tree: Path) -> None:
    permits = PermitsInFolder(tmp_path / "permits", used_as("shadow"))
    splits = SplitsInMemory()
    splitter = Splitter(Slot("local", "flights"), USE, tmp_path / "challengers", permits, splits, lambda: AT, print)

    with pytest.raises(UnknownReference, match="as canary"):
        add(splitter, tree)

    assert splits.kept == []
    assert not (tmp_path / "challengers").exists()
    assert add(splitter, tree, Role.SHADOW).number == 1


def test_bytes_that_are_not_the_permitted_ones_get_nothing(splitter: Splitter, tree: Path) -> None:
    assert isinstance(splitter.permits, PermitsInFolder)
    digest = splitter.permits.allow(tree)
    (tree / "MLmodel").write_text("other")

    with pytest.raises(Refused):
        splitter.add(NewChallenger("two", Role.CANARY, 0.1, digest), TreesInMemory(tree), "ada", "it looks better")

    assert splitter.current() is None
    assert [each for each in splitter.folder.glob("*") if each.is_dir()] == []


def test_shares_change_and_end_with_a_reason_and_what_does_not_fit_changes_nothing(
    splitter: Splitter, tree: Path
) -> None:
    add(splitter, tree)
    grown = splitter.share("two", 0.5, "ada", "no guardrail was touched")

    with pytest.raises(InvalidInput):
        splitter.share("two", 1.5, "ada", "more")
    with pytest.raises(InvalidInput, match="Say why"):
        splitter.share("two", 0.6, "ada", " ")
    with pytest.raises(UnknownReference):
        splitter.end("three", End.ROLLED_BACK, "ada", "it is worse")
    assert splitter.current() == grown

    ended = splitter.end("two", End.ROLLED_BACK, "ada", "it is worse")

    assert (ended.number, ended.ended, ended.end, ended.split.challengers) == (3, "two", End.ROLLED_BACK, ())


def test_a_step_on_a_comparison_of_before_another_change_is_refused(splitter: Splitter, tree: Path) -> None:
    seen = add(splitter, tree)
    splitter.share("two", 0.05, "ben", "less for now")

    with pytest.raises(Conflict):
        splitter.step(seen, "two", Rollout(), Judged("better", "It is better."), "cron")

    now = splitter.current()
    assert now is not None
    assert [each.share for each in now.split.challengers] == [0.05]


def test_the_same_bytes_are_copied_once(splitter: Splitter, tree: Path) -> None:
    add(splitter, tree)
    splitter.end("two", End.ROLLED_BACK, "ada", "it is worse")
    trees = TreesInMemory(tree)
    assert isinstance(splitter.permits, PermitsInFolder)

    splitter.add(NewChallenger("again", Role.CANARY, 0.1, splitter.permits.allow(tree)), trees, "ada", "once more")

    assert trees.lent == 0


def test_a_challenger_is_lent_for_its_role_and_as_the_bytes_that_it_names(splitter: Splitter, tree: Path) -> None:
    (challenger,) = add(splitter, tree).split.challengers

    with splitter.lend(challenger) as verified:
        assert (verified.tree / "MLmodel").read_bytes() == (tree / "MLmodel").read_bytes()
    with pytest.raises(Refused, match="'shadow' does not allow"), splitter.lend(replace(challenger, alias="shadow")):
        pass
    shutil.rmtree(splitter.carried(challenger).tree)
    with pytest.raises(Refused, match="is not whole"), splitter.lend(challenger):
        pass


def test_a_record_that_names_other_bytes_lends_nothing(splitter: Splitter, tree: Path) -> None:
    (challenger,) = add(splitter, tree).split.challengers
    # The same place, by the first digits of the digest, and other bytes by the rest.
    other = replace(challenger, tree_digest=f"{challenger.tree_digest[:-4]}0000")

    with pytest.raises(Refused, match="holds sha256"), splitter.lend(other):
        pass


def test_a_place_whose_use_was_exchanged_gets_no_share(splitter: Splitter, tree: Path) -> None:
    (challenger,) = add(splitter, tree).split.challengers
    splitter.end("two", End.ROLLED_BACK, "ada", "it is worse")
    splitter.carried(challenger).use.write_bytes(BuiltFor(used_as("shadow"), "key").to_bytes())

    with pytest.raises(Refused, match="says another use"):
        add(splitter, tree)

    now = splitter.current()
    assert now is not None
    assert now.split.challengers == ()
