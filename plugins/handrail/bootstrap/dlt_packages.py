"""Records load packages of dlt in lineage: resource, schema and job files with their digests, tables of a load."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from handrail.bootstrap import Platform
from handrail.bootstrap.dvc_files import hash_file
from handrail.lineage import ActivityDetails, data_at
from handrail.lineage.adapters.dlt_packages import Job, LoadPackage, read_packages
from handrail.refs import ArtifactVersion
from handrail.settings import Settings

__all__ = ["LoadPackage", "read_packages", "record_package"]

TOOL = "dlt"


def record_package(platform: Platform, package: LoadPackage) -> Sequence[str]:
    """Record what a package loaded: files of rows from resources, then tables as the load left them. Safe to repeat.

    Returns:
        A sentence for each thing that is not known any more.
    """
    base = f"dlt://{quote(package.pipeline, safe='')}"
    load = quote(package.load_id, safe="")
    files = {job.name: _file(base, load, job) for job in package.jobs}
    resources = {job.resource: f"{base}/resource/{_name(package.schema)}/{_name(job.resource)}" for job in package.jobs}
    schema = ArtifactVersion(f"{base}/schema/{_name(package.schema)}@{_name(package.schema_hash)}", "dlt-schema")
    batch = platform.lineage.batch()
    extracted = ActivityDetails(package.started, package.ended, {"outcome": package.outcome}, TOOL)
    for resource, uri in resources.items():
        made = [files[job.name] for job in package.jobs if job.resource == resource]
        used = [ArtifactVersion(uri, "dlt-resource")]
        batch.record_activity(
            f"{base}/extract/{load}/{_name(resource)}", "dlt-extract", used=used, generated=made, details=extracted
        )
    facts = {
        "outcome": package.outcome,
        "destination": package.destination,
        "dataset": package.dataset,
        "files": str(len(files)),
        "failed_jobs": str(package.failed),
    }
    batch.record_activity(
        f"{base}/load/{load}",
        "dlt-load",
        used=[schema, *files.values()],
        generated=[*_tables(base, load, package), *_delivered(platform.settings, package.jobs)],
        details=ActivityDetails(package.started, package.ended, {k: v for k, v in facts.items() if v}, TOOL),
    )
    batch.write()
    return [
        f"The file of the job {name} was deleted, as load.delete_completed_jobs says, so its digest is not known."
        for name in package.without_file
    ]


def _file(base: str, load: str, job: Job) -> ArtifactVersion:
    uri = f"{base}/job/{load}/{_name(job.name)}"
    return ArtifactVersion(uri, "dlt-job-file", job.digest, {"table": job.table, "bytes": str(job.size)})


def _tables(base: str, load: str, package: LoadPackage) -> list[ArtifactVersion]:
    where = f"{base}/table/{_name(package.dataset or package.schema)}"
    names = sorted({job.table for job in package.jobs})
    return [ArtifactVersion(f"{where}/{_name(name)}@{load}", "dlt-table", None, {"table": name}) for name in names]


def _delivered(settings: Settings, jobs: Sequence[Job]) -> list[ArtifactVersion]:
    """Return what lies where jobs were copied to: a file of the project as DVC and Feast name it, others by address."""
    return [_at(settings, job.remote, job.digest) for job in jobs if job.remote]


def _at(settings: Settings, remote: str, digest: str) -> ArtifactVersion:
    parts = urlsplit(remote)
    path, project = Path(unquote(parts.path)), settings.project.resolve()
    if parts.scheme == "file" and path.is_file() and path.is_relative_to(project):
        member = hash_file(path, path.relative_to(project).as_posix())
        # What was written there since is not what was loaded.
        if f"sha256:{member.sha256}" == digest:
            return data_at(settings.repository, member.path, member.md5, member.sha256)
    address = f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
    return ArtifactVersion(f"{address}@{digest}", "dlt-file", digest)


def _name(text: str) -> str:
    return quote(text, safe="")
