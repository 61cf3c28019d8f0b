"""Which data a dependency or an output of DVC names: by path in the project, or by address and version elsewhere."""

import hashlib
from pathlib import Path

import pytest
import yaml

from handrail.errors import InvalidInput
from handrail.lineage.adapters.dvc.bytes import changed_files
from handrail.lineage.adapters.dvc.entries import Place, data_of
from handrail.lineage.adapters.dvc.lock_files import read_runs
from handrail.lineage.adapters.dvc.tracked import parse_dvc_file
from handrail.lineage.adapters.dvc.trees import TreeOnDisk
from handrail.lineage.domain.locked import MD5, MD5_OF_TEXT, LockedFile
from handrail.lineage.domain.pipeline import PipelineRecord, StageRun, describe_pipeline

MD = "ab" * 16
COMMIT = "c0" * 20
QUERY = "select 1"
PROJECT = Path("/srv/shop/ml")
ELSEWHERE = {
    "an object by its etag": (
        {"path": "s3://lake/raw.csv", "etag": "9b2c", "size": 4},
        [("s3://lake/raw.csv", "9b2c")],
    ),
    "an object by its version, which says more than the etag": (
        {"path": "s3://lake/raw.csv", "etag": "9b2c", "version_id": "v7"},
        [("s3://lake/raw.csv", "v7")],
    ),
    "a page without login and query": (
        {"path": "https://me:secret@example.org/a b.csv?sig=1", "checksum": 'W/"5f8d"'},
        [("https://example.org/a%20b.csv", 'W/"5f8d"')],
    ),
    "each file of a folder": (
        {"path": "gs://lake/set/", "files": [{"relpath": "a.csv", "version_id": "1"}, {"relpath": "b", "etag": "2"}]},
        [("gs://lake/set/a.csv", "1"), ("gs://lake/set/b", "2")],
    ),
    "what a cloud says of it": (
        {"path": "s3://lake/raw.csv", "cloud": {"store": {"etag": "9b2c", "version_id": "v7"}}},
        [("s3://lake/raw.csv", "v7")],
    ),
    "a path of a remote": ({"path": "remote://store/raw.csv", "etag": "9"}, [("s3://bucket/data/raw.csv", "9")]),
    "a path of a remote that is not known": ({"path": "remote://none/raw.csv"}, [("remote://none/raw.csv", "")]),
    "a file of the machine": ({"path": "/mnt/lake/raw.csv", "md5": MD}, [("file:///mnt/lake/raw.csv", MD)]),
    "a file above the repository": ({"path": "../../lake/raw.csv", "md5": MD}, [("file:///srv/lake/raw.csv", MD)]),
    "a file of another repository": (
        {
            "path": "get-started/data.xml",
            "repo": {"url": "https://me:pw@github.com/o/r", "rev": "v1", "rev_lock": COMMIT},
        },
        [("git+https://github.com/o/r/get-started/data.xml", COMMIT)],
    ),
    "a repository by ssh": (
        {"path": "data.xml", "repo": {"url": "git@github.com:o/r.git", "rev_lock": COMMIT}},
        [("git+ssh://github.com/o/r.git/data.xml", COMMIT)],
    ),
    "a repository beside this one": (
        {"path": "data.xml", "repo": {"url": "../../registry", "rev_lock": COMMIT}},
        [("git+file:///srv/registry/data.xml", COMMIT)],
    ),
    "a table": ({"db": {"connection": "pg", "table": "sales"}}, [("dvc-db://pg/sales", "")]),
    "a query": (
        {"db": {"connection": "pg", "query": QUERY}},
        [(f"dvc-db://pg/query/{hashlib.sha256(QUERY.encode()).hexdigest()}", "")],
    ),
    "a dataset that is in a repository": (
        {
            "path": "ds://x",
            "dataset": {"name": "x", "type": "dvc", "url": "https://h/r", "path": "p", "rev_lock": COMMIT},
        },
        [("git+https://h/r/p", COMMIT)],
    ),
    "a dataset at an address": (
        {"path": "ds://x", "dataset": {"name": "x", "type": "url", "url": "s3://l/x", "meta": {"etag": "9"}}},
        [("s3://l/x", "9")],
    ),
    "a dataset of DataChain": (
        {"path": "ds://x", "dataset": {"name": "x", "type": "dc", "url": "dc://x", "version": 3}},
        [("dc://x", "3")],
    ),
}
INSIDE = {
    "by the hash of DVC 3": ({"path": "a.csv", "md5": MD, "hash": "md5"}, [LockedFile("etl/a.csv", MD)]),
    "by the hash of DVC 2": ({"path": "a.csv", "md5": MD}, [LockedFile("etl/a.csv", MD, MD5_OF_TEXT)]),
    "above the folder": ({"path": "../a.csv", "md5": MD, "hash": "md5"}, [LockedFile("a.csv", MD)]),
    "beside the project": ({"path": "../../lib/a.py", "md5": MD, "hash": "md5"}, [LockedFile("../lib/a.py", MD)]),
    "by its absolute path": ({"path": f"{PROJECT}/a.csv", "md5": MD, "hash": "md5"}, [LockedFile("a.csv", MD)]),
    "without a hash": ({"path": "a.csv"}, []),
    "by its files": (
        {"path": "set", "hash": "md5", "files": [{"relpath": "b", "md5": MD}, {"relpath": "a", "md5": MD}]},
        [
            LockedFile(
                "etl/set",
                hashlib.md5(
                    f'[{{"md5": "{MD}", "relpath": "a"}}, {{"md5": "{MD}", "relpath": "b"}}]'.encode()
                ).hexdigest()
                + ".dir",
            )
        ],
    ),
    "by files of which one has no md5": ({"path": "set", "files": [{"relpath": "b", "version_id": "1"}]}, []),
}


@pytest.mark.parametrize(("item", "expected"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_data_elsewhere_has_an_address_and_a_version(item, expected, tmp_path):
    project = tmp_path if "remote://" in str(item) else PROJECT
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_text("['remote \"store\"']\n    url = s3://bucket/data\n")

    found = data_of(item, Place(project, "", "ml/"))

    assert [(one.address, one.version) for one in found] == expected
    assert "secret" not in str(found)
    facts = describe_pipeline(
        PipelineRecord("shop", (StageRun("get", MD, COMMIT, "{}", (), (), (), None, None, None, (), found),))
    )
    assert len([one for one in facts.statements if one.cause.startswith(expected[0][0])]) == 1


@pytest.mark.parametrize(("item", "expected"), INSIDE.values(), ids=INSIDE)
def test_a_file_of_the_repository_has_a_path(item, expected):
    assert list(data_of(item, Place(PROJECT, "etl", "ml/"))) == expected


BROKEN = [
    "outs: [7]",
    "outs: 7",
    "deps: [{md5: 1}]",
    "outs: [{path: a, files: 3}]",
    "deps: [{path: a, repo: 1}]",
    "\x00",
    "- 1",
    "deps: [{db: x}]",
]


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_dvc_file_is_one_sentence(text):
    with pytest.raises(InvalidInput, match=r"a\.dvc: it is not a \.dvc file"):
        parse_dvc_file("a.dvc", text.encode(), Place(PROJECT))


@pytest.mark.parametrize(
    "text", ["outs: [7]", "deps: 7", "outs: [{md5: a}]", "deps: [{path: a, dataset: {type: dvc}}]"]
)
def test_a_broken_entry_is_one_sentence(text, tmp_path):
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump({"stages": {"make": yaml.safe_load(text)}}))

    with pytest.raises(InvalidInput, match=r"dvc\.lock: it is not a lock file"):
        changed_files(tmp_path)


def test_a_lock_of_the_first_form_is_read(tmp_path):
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump({"make": {"cmd": "x", "outs": [{"path": "a", "md5": MD}]}}))

    (run,) = read_runs(TreeOnDisk(tmp_path), Place(tmp_path))

    assert (run.name, run.outputs()) == ("make", (LockedFile("a", MD, MD5_OF_TEXT),))


def test_a_changed_file_of_the_machine_is_named(tmp_path):
    lake = tmp_path / "lake" / "raw.csv"
    lake.parent.mkdir()
    lake.write_text("a")
    project = tmp_path / "project"
    project.mkdir()
    entry = {"cmd": "x", "deps": [{"path": str(lake), "hash": MD5, "md5": hashlib.md5(b"a").hexdigest()}]}
    (project / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": {"make": entry}}))
    before = changed_files(project)

    lake.write_text("b")

    assert before == ()
    assert [(flaw.kind, flaw.subject) for flaw in changed_files(project)] == [("bytes-changed", str(lake))]
