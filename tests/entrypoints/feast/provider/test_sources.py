"""A data source is named by what it holds: as DVC's record names it below the project, by name elsewhere."""

import hashlib
import os
from types import SimpleNamespace

import pytest
from feast import BigQuerySource, FileSource

from handrail.bootstrap.lineage import path_artifact
from handrail.entrypoints.feast.provider import sources
from handrail.entrypoints.feast.provider.project import RecordedProject
from handrail.entrypoints.feast.provider.sources import Sources
from handrail.entrypoints.hosts.named_data import named_data
from handrail.entrypoints.hosts.recording import platform_here
from handrail.lineage.adapters.dvc.project_files import ProjectFiles
from handrail.lineage.domain.locked import LockedFile
from tests.entrypoints.feast.provider.conftest import make_project


def looking_from(folder):
    return Sources(RecordedProject("shop", folder))


def file_source(path, name=""):
    return FileSource(name=name, path=str(path), timestamp_field="at")


def write(path, text="rows"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_file_below_a_dvc_project_is_the_one_that_dvcs_record_has(project):
    write(project / "data" / "orders.parquet")

    version = looking_from(project / "features").version(file_source("../data/orders.parquet"))

    assert version == path_artifact(platform_here().settings, project, "data/orders.parquet")


def test_a_folder_below_a_dvc_project_has_dvcs_own_hash(project):
    for month in ("01", "02"):
        write(project / "data" / "orders" / f"{month}.parquet", month)

    version = looking_from(project).version(file_source(project / "data" / "orders"))

    files = ProjectFiles(project)
    known = files.describe(LockedFile("data/orders", files.md5_of("data/orders")))
    assert version.uri == f"dvc://shop/data/orders@{known.md5}"
    assert version.digest == f"sha256:{known.sha256}"


def test_a_link_into_the_cache_of_dvc_keeps_its_place(project):
    cached = write(project / ".dvc" / "cache" / "ab")
    (project / "orders.parquet").symlink_to(cached)

    assert looking_from(project).version(file_source("orders.parquet")).attributes["path"] == "orders.parquet"


def test_a_file_elsewhere_has_its_sources_name_and_sha256(project, tmp_path):
    file = write(tmp_path / "lake" / "orders.parquet")

    named, unnamed = (looking_from(project).version(file_source(file, name)) for name in ("bought", ""))

    assert named.uri == f"feast://shop/data_source/bought@{digest('rows')}"
    assert named.digest == f"sha256:{digest('rows')}"
    assert unnamed.uri == f"feast://shop/data_source/orders.parquet@{digest('rows')}"


def test_without_dvc_a_file_of_the_project_has_the_same_name_for_every_tool(tmp_path, monkeypatch):
    project = make_project(tmp_path / "plain", under_dvc=False)
    monkeypatch.chdir(project)
    write(project / "data" / "orders.parquet")

    version = looking_from(project / "features").version(file_source("../data/orders.parquet", "orders"))

    assert version.uri == named_data(platform_here().settings, "data/orders.parquet").uri
    assert version == path_artifact(platform_here().settings, project, "data/orders.parquet")


def test_a_pattern_covers_every_file_that_fits(project):
    write(project / "orders" / "a.parquet", "a")
    source = file_source(project / "orders" / "*.parquet", "orders")
    alone = looking_from(project).version(source)
    write(project / "orders" / "b.parquet", "b")

    both = looking_from(project).version(source)

    assert alone.uri.startswith("feast://shop/data_source/orders@")
    assert both.uri != alone.uri


@pytest.mark.parametrize("pattern", ["", "*"])
@pytest.mark.parametrize("stray", ["_SUCCESS", "_temporary/0/part-0.parquet", ".ipynb_checkpoints/a.parquet"])
def test_what_the_offline_store_passes_over_does_not_change_a_source(project, tmp_path, pattern, stray):
    write(tmp_path / "lake" / "000000_0", "a")
    source = file_source(tmp_path / "lake" / pattern, "orders")
    before = looking_from(project).version(source)

    write(tmp_path / "lake" / stray, "stray")

    assert looking_from(project).version(source) == before
    write(tmp_path / "lake" / "000001_0", "b")
    assert looking_from(project).version(source) != before


def test_the_log_of_a_table_is_part_of_it(project, tmp_path):
    write(tmp_path / "lake" / "a.parquet", "a")
    write(tmp_path / "lake" / "_delta_log" / "0.json", "add a")
    source = file_source(tmp_path / "lake", "orders")
    before = looking_from(project).version(source)

    write(tmp_path / "lake" / "_delta_log" / "1.json", "remove a")

    assert looking_from(project).version(source) != before


@pytest.mark.parametrize(
    ("source", "uri"),
    [
        (BigQuerySource(name="orders", table="shop.orders", timestamp_field="at"), "orders"),
        (BigQuerySource(name="orders", query="select 'secret'", timestamp_field="at"), "orders"),
        (file_source("s3://lake/orders.parquet", "orders"), "orders"),
        (file_source("nowhere.parquet"), "nowhere.parquet"),
    ],
    ids=["table", "query", "bucket", "missing file"],
)
def test_a_source_that_is_no_local_file_has_its_name_and_no_digest(project, source, uri):
    version = looking_from(project).version(source)

    assert version.uri == f"feast://shop/data_source/{uri}"
    assert version.digest is None
    assert "secret" not in str(version.attributes)


@pytest.fixture
def counted(monkeypatch):
    """Count the files that are hashed."""
    hashed = []
    whole = sources.hash_file
    monkeypatch.setattr(sources, "hash_file", lambda file, path: hashed.append(path) or whole(file, path))
    return hashed


def age(file):
    """Let a file look as if it settled, as far as one may set its times."""
    os.utime(file, ns=(1, 1))


def test_a_settled_file_is_hashed_once(project, counted, monkeypatch):
    file = write(project / "orders.parquet")
    monkeypatch.setattr(sources, "SETTLED_NS", -1)
    looking = looking_from(project)

    versions = [looking.version(file_source(file)) for _ in range(3)]

    assert len(counted) == 1
    assert versions[0] == versions[2]


def test_a_file_that_changed_just_now_is_hashed_again(project, counted):
    file = write(project / "orders.parquet")
    looking = looking_from(project)

    for _ in range(3):
        looking.version(file_source(file))

    assert len(counted) == 3, "its times might not show one more change"


def test_a_change_that_keeps_size_and_time_is_seen(project, monkeypatch):
    monkeypatch.setattr(sources, "SETTLED_NS", -1)
    file = write(project / "orders.parquet", "rows")
    age(file)
    looking = looking_from(project)
    before = looking.version(file_source(file))
    write(file, "swor")
    age(file)

    assert looking.version(file_source(file)) != before, "a file's change time cannot be set back"


def test_a_file_that_is_written_while_it_is_hashed_is_hashed_again(project, monkeypatch):
    file = write(project / "orders.parquet", "first")
    whole = sources.hash_file
    written = []

    def slowly(path, name):
        found = whole(path, name)
        if not written:
            written.append(write(file, "second, longer"))
        return found

    monkeypatch.setattr(sources, "hash_file", slowly)

    assert looking_from(project).version(file_source(file)).digest == f"sha256:{digest('second, longer')}"


def test_a_source_without_a_path_is_named(project):
    version = looking_from(project).version(SimpleNamespace(name="stream of orders"))

    assert version.uri == "feast://shop/data_source/stream%20of%20orders"


def test_a_login_or_a_signature_in_a_sources_place_is_kept_nowhere(project):
    place = "s3://key:p@ss@lake/orders.parquet?X-Amz-Signature=0f0f"

    version = looking_from(project).version(file_source(place))

    assert version.uri == "feast://shop/data_source/s3:%2F%2Flake%2Forders.parquet"
    assert version.attributes["place"] == "s3://lake/orders.parquet"
