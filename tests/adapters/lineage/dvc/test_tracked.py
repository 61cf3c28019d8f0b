"""Data that `dvc add` put under DVC: named by the commit that holds its .dvc file, with or without stages."""

import hashlib
import shutil

import pytest

from handrail.errors import InvalidInput, Unavailable
from handrail.lineage.adapters.dvc.pipeline import DvcPipeline
from handrail.lineage.domain.pipeline import describe_pipeline
from tests.fakes.dvc_repository import DVC, add, commit, make_repository, run


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A repository without stages: a file and a folder under DVC, the file changed in a second commit."""
    folder = make_repository(tmp_path_factory.mktemp("tracked") / "shop")
    (folder / "data" / "images").mkdir(parents=True)
    for name in ("a", "b"):
        (folder / "data" / "images" / f"{name}.txt").write_text(name)
    run(folder, *DVC, "add", "-q", "data/images")
    add(folder, "data/orders.csv", "one")
    first = commit(folder, "Add data")
    add(folder, "data/orders.csv", "one, two")
    second = commit(folder, "Change the orders")
    third = commit(folder, "Change nothing")
    return folder, first, second, third


@pytest.fixture
def project(made, tmp_path):
    """A copy that a test may break."""
    folder, *commits = made
    return shutil.copytree(folder, tmp_path / "shop"), *commits


def derivations(record):
    return {(one.effect, one.cause, one.agreed) for one in describe_pipeline(record).statements}


def since(folder, commit):
    """Return the commit that each file is of when `commit` is read."""
    return {one.file.path: one.commit for one in DvcPipeline("shop").read(folder, commit).tracked}


def test_tracked_data_comes_from_the_commit_that_brought_its_content_in(made):
    folder, first, second, third = made

    record = DvcPipeline("shop").read(folder, third)

    assert [(one.file.path, one.named_by, one.commit) for one in record.tracked] == [
        ("data/images", "data/images.dvc", first),
        ("data/orders.csv", "data/orders.csv.dvc", second),
    ]
    orders = record.artifact("data/orders.csv")
    assert orders.digest == "sha256:" + hashlib.sha256(b"one, two").hexdigest()
    assert (orders.uri, f"git://shop/{second}", f"md5:{orders.attributes['md5']}") in derivations(record)


def test_a_tracked_folder_is_reported_file_by_file(made):
    folder, *_, third = made

    record = DvcPipeline("shop").read(folder, third)

    whole, part = record.artifact("data/images"), record.artifact("data/images/a.txt")
    assert (whole.uri, part.uri, f"md5:{hashlib.md5(b'a').hexdigest()}") in derivations(record)


def test_an_older_commit_has_its_own_data_whose_bytes_are_gone(made):
    folder, first, *_ = made

    record = DvcPipeline("shop").read(folder, first)

    orders = record.artifact("data/orders.csv")
    assert orders.digest == "md5:" + hashlib.md5(b"one").hexdigest()
    assert (orders.uri, f"git://shop/{first}", "") in derivations(record), "the commit says so; nothing was compared"


def test_data_whose_dvc_file_no_commit_holds_is_not_reported(project):
    folder, *_, third = project
    add(folder, "data/new.csv", "new")

    record = DvcPipeline("shop").read(folder, third)

    assert "data/new.csv" not in record.artifacts()


def test_a_file_that_only_ends_like_a_dvc_file_is_one_sentence(project):
    folder, *_ = project
    (folder / "notes.dvc").write_text("- one\n- two\n")
    fourth = commit(folder, "Add notes")

    with pytest.raises(InvalidInput, match=r"notes\.dvc: it is not a \.dvc file"):
        DvcPipeline("shop").read(folder, fourth)


def test_data_outside_the_project_is_not_reported(project):
    folder, *_ = project
    (folder / "out.dvc").write_text(f"outs: [{{md5: {'0' * 32}, path: ../elsewhere.csv}}]\n")
    fourth = commit(folder, "Track a file elsewhere")

    assert len(DvcPipeline("shop").read(folder, fourth).tracked) == 2


def test_a_commit_without_a_lock_and_without_data_is_one_sentence(project):
    folder, *_ = project
    run(folder, "git", "checkout", "-q", "--orphan", "empty")
    run(folder, "git", "rm", "-rqf", "--cached", ".")
    for file in (*folder.glob("data/*.dvc"), folder / "data" / ".gitignore"):
        file.unlink()
    shutil.rmtree(folder / "data")
    empty = commit(folder, "Begin again")

    with pytest.raises(Unavailable, match="dvc repro"):
        DvcPipeline("shop").read(folder, empty)
    run(folder, "git", "checkout", "-q", "-f", "--detach", empty)
    commit(folder, "Go on")
    with pytest.raises(Unavailable, match="Name a commit that holds one"):
        DvcPipeline("shop").read(folder, empty)


def test_a_content_that_is_set_back_is_of_the_commit_that_brought_it_in_first(project):
    folder, first, second, _ = project
    add(folder, "data/orders.csv", "one")
    back = commit(folder, "Set the orders back")
    run(folder, *DVC, "remove", "data/orders.csv.dvc")
    (folder / "data" / "orders.csv").unlink()
    commit(folder, "Remove the orders")
    add(folder, "data/orders.csv", "one, two")
    again = commit(folder, "And bring the second ones back")

    assert since(folder, back)["data/orders.csv"] == first
    assert since(folder, again)["data/orders.csv"] == second


def test_another_word_in_a_dvc_file_brings_in_no_content(project):
    folder, _, second, _ = project
    with (folder / "data" / "orders.csv.dvc").open("a") as file:
        file.write("desc: the orders of a day\n")

    assert since(folder, commit(folder, "Describe"))["data/orders.csv"] == second


def test_a_content_that_a_branch_brought_in_is_of_the_commit_on_the_branch(project):
    folder, first, _, third = project
    run(folder, "git", "checkout", "-q", "-b", "aside", first)
    add(folder, "data/orders.csv", "three")
    aside = commit(folder, "Bring in the third orders")
    assert since(folder, aside)["data/orders.csv"] == aside
    run(folder, "git", "checkout", "-q", "-b", "joined", third)
    identity = ("-c", "user.name=T", "-c", "user.email=t@example.org")
    run(folder, "git", *identity, "merge", "-q", "-X", "theirs", "--no-edit", "aside")
    joined = run(folder, "git", "rev-parse", "HEAD")

    assert since(folder, joined)["data/orders.csv"] == aside
    assert since(folder, third)["data/orders.csv"] != aside


def test_a_broken_dvc_file_of_an_older_commit_is_passed_over(project):
    folder, _, second, _ = project
    file = folder / "data" / "orders.csv.dvc"
    whole = file.read_text()
    file.write_text("outs: [")
    commit(folder, "Break it")
    file.write_text(whole)

    assert since(folder, commit(folder, "Mend it"))["data/orders.csv"] == second
