"""Layouts of DVC projects as people have them, each made by DVC itself and committed."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from contextlib import chdir
from pathlib import Path

import yaml
from dvc.cli import main

from tests.fakes.dvc_repository import commit, run

WINDOWS = b"id,name\r\n1,anna\r\n2,ben\r\n"


def dvc(folder: Path, *arguments: str) -> None:
    """Run DVC in this process, which is much faster than starting it."""
    with chdir(folder):
        assert main(list(arguments)) == 0, arguments


def copy_stage(source: str, target: str, **more: object) -> dict[str, object]:
    """Return a stage that copies one file."""
    return {"cmd": f"cp {source} {target}", "deps": [source], "outs": [target], **more}


def make_repository(folder: Path) -> None:
    """Make an empty repository under git and DVC."""
    folder.mkdir(parents=True, exist_ok=True)
    run(folder, "git", "init", "-q")
    dvc(folder, "init", "-q")


def write(folder: Path, files: dict[str, str | bytes]) -> None:
    """Write files by path."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content if isinstance(content, bytes) else content.encode())


def pipeline(folder: Path, stages: Mapping[str, object], where: str = "", **more: object) -> None:
    """Write a dvc.yaml and run all of it."""
    write(folder, {f"{where}dvc.yaml": yaml.safe_dump({"stages": stages, **more})})
    dvc(folder, "repro", "-q", f"{where}dvc.yaml")


def plain(folder: Path) -> Path:
    """Make one stage, beside a tracked file."""
    make_repository(folder)
    write(folder, {"data/raw.csv": "a\n1\n"})
    dvc(folder, "add", "-q", "data/raw.csv")
    pipeline(folder, {"clean": copy_stage("data/raw.csv", "clean.csv")})
    return folder


def working_folder(folder: Path) -> Path:
    """Make a stage that runs in a subfolder, and one that reads what it wrote."""
    make_repository(folder)
    write(folder, {"data/raw.csv": "a\n1\n", "etl/note.txt": "x"})
    stages = {
        "clean": copy_stage("../data/raw.csv", "clean.csv", wdir="etl"),
        "count": copy_stage("etl/clean.csv", "n.txt"),
    }
    pipeline(folder, stages)
    return folder


def subfolders(folder: Path) -> Path:
    """Make two pipelines in subfolders, the second of which reads from the first."""
    make_repository(folder)
    write(folder, {"prepare/raw.csv": "a\n1\n", "train/note.txt": "x"})
    pipeline(folder, {"copy": copy_stage("raw.csv", "clean.csv")}, "prepare/")
    pipeline(folder, {"copy": copy_stage("../prepare/clean.csv", "model.txt")}, "train/")
    return folder


def loops(folder: Path) -> Path:
    """Make a foreach over a list, one over a mapping, and a matrix."""
    make_repository(folder)
    write(folder, {"params.yaml": "places: [north, south]\n", "raw.csv": "a\n1\n"})
    stages = {
        "split": {"foreach": "${places}", "do": copy_stage("raw.csv", "${item}.csv")},
        "name": {"foreach": {"a": {"to": "x"}}, "do": copy_stage("raw.csv", "${item.to}.txt")},
        "grid": {"matrix": {"m": ["p", "q"]}, **copy_stage("raw.csv", "grid-${item.m}.txt")},
    }
    pipeline(folder, stages)
    return folder


def templates(folder: Path) -> Path:
    """Make stages whose working folder is a template, alone and in a loop."""
    make_repository(folder)
    write(folder, {"params.yaml": "where: etl\n", "raw.csv": "a\n1\n", "etl/x": "", "north/x": ""})
    stages = {
        "clean": copy_stage("../raw.csv", "clean.csv", wdir="${where}"),
        "part": {"foreach": ["north"], "do": copy_stage("../raw.csv", "part.csv", wdir="${item}")},
    }
    pipeline(folder, stages)
    return folder


def stale_lock(folder: Path) -> Path:
    """Rename a stage and take an item out of a loop, so that the lock still has what the pipeline has not."""
    make_repository(folder)
    write(folder, {"raw.csv": "a\n1\n"})
    pipeline(folder, {"old": copy_stage("raw.csv", "old.csv"), "each": _each("north", "south")})
    for gone in ("old.csv", "south.csv"):
        (folder / gone).unlink()
    pipeline(folder, {"new": copy_stage("raw.csv", "new.csv"), "each": _each("north")})
    return folder


def _each(*places: str) -> dict[str, object]:
    return {"foreach": list(places), "do": copy_stage("raw.csv", "${item}.csv")}


def before_version_3(folder: Path) -> Path:
    """Make what DVC 2 left behind: text with the line ends of Windows, named by the hash of its Unix form."""
    make_repository(folder)
    binary = bytes(range(256)) * 4 + b"\r\n"
    write(folder, {"raw.csv": WINDOWS, "set/a.csv": WINDOWS, "set/b.bin": binary})
    old = hashlib.md5(WINDOWS.replace(b"\r\n", b"\n")).hexdigest()
    rows = [(old, "a.csv"), (hashlib.md5(binary).hexdigest(), "b.bin")]
    listing = "[" + ", ".join(f'{{"md5": "{md5}", "relpath": "{name}"}}' for md5, name in rows) + "]"
    whole = hashlib.md5(listing.encode()).hexdigest() + ".dir"
    write(
        folder,
        {
            f".dvc/cache/{old[:2]}/{old[2:]}": WINDOWS,
            f".dvc/cache/{rows[1][0][:2]}/{rows[1][0][2:]}": binary,
            f".dvc/cache/{whole[:2]}/{whole[2:]}": listing,
            "set.dvc": f"outs:\n- md5: {whole}\n  size: 1072\n  nfiles: 2\n  path: set\n",
            "dvc.yaml": yaml.safe_dump({"stages": {"clean": copy_stage("raw.csv", "clean.csv")}}),
            "clean.csv": WINDOWS,
            ".gitignore": "/set\n/clean.csv\n",
        },
    )
    entry = {"cmd": copy_stage("raw.csv", "clean.csv")["cmd"]}
    for part, path in (("deps", "raw.csv"), ("outs", "clean.csv")):
        entry[part] = [{"path": path, "md5": old, "size": len(WINDOWS)}]
    write(folder, {"dvc.lock": yaml.safe_dump({"schema": "2.0", "stages": {"clean": entry}})})
    return folder


def ignored_files(folder: Path) -> Path:
    """Track a folder of which rules leave files out: of the project, of a folder between, and negated ones."""
    make_repository(folder)
    kept = {f"part/set/{name}": name for name in ("a.csv", "a.tmp", "deep/b.log", "deep/keep.log", "__pycache__/x.pyc")}
    write(folder, {**kept, ".dvcignore": "*.tmp\n__pycache__/\n", "part/.dvcignore": "*.log\n!keep.log\n"})
    dvc(folder, "add", "-q", "part/set")
    return folder


def subdirectory(folder: Path) -> Path:
    """Make a DVC project in a subfolder of its repository, with code beside it; return the subfolder."""
    folder.mkdir(parents=True)
    run(folder, "git", "init", "-q")
    write(folder, {"shared/rules.txt": "rule\n", "ml/raw.csv": "a\n1\n"})
    dvc(folder / "ml", "init", "-q", "--subdir")
    stage = copy_stage("raw.csv", "clean.csv")
    pipeline(folder / "ml", {"clean": {**stage, "deps": ["raw.csv", "../shared/rules.txt"]}})
    return folder / "ml"


def inner_project(folder: Path) -> Path:
    """Make a DVC project that has another one inside."""
    plain(folder)
    write(folder, {"inner/raw.csv": "b\n2\n"})
    dvc(folder / "inner", "init", "-q", "--subdir")
    pipeline(folder / "inner", {"clean": copy_stage("raw.csv", "clean.csv")})
    return folder


def shared_cache(folder: Path) -> Path:
    """Keep the cache beside the repository."""
    make_repository(folder)
    dvc(folder, "cache", "dir", "-q", "../shared-cache")
    write(folder, {"set/a.csv": "a\n1\n", "set/b.csv": "b\n2\n"})
    dvc(folder, "add", "-q", "set")
    return folder


def outside_file(folder: Path) -> Path:
    """Read a file by its absolute path, which is not in the repository."""
    write(folder.parent, {"lake/raw.csv": "a\n1\n"})
    make_repository(folder)
    pipeline(folder, {"clean": copy_stage(str(folder.parent / "lake" / "raw.csv"), "clean.csv")})
    return folder


def imported(folder: Path) -> Path:
    """Import a file of another repository of DVC, and one by its address."""
    source = plain(folder.parent / "registry")
    commit(source, "Publish")
    make_repository(folder)
    dvc(folder, "import", "-q", str(source), "clean.csv", "-o", "taken.csv")
    write(folder.parent, {"lake/raw.csv": "a\n1\n"})
    dvc(folder, "import-url", "-q", str(folder.parent / "lake" / "raw.csv"), "lake.csv")
    return folder


def odd_dvc_file(folder: Path) -> Path:
    """Track by a `.dvc` file with another name, frozen, with its own hash in it as DVC 0 wrote it."""
    make_repository(folder)
    write(folder, {"data/raw.csv": "a\n1\n"})
    dvc(folder, "add", "-q", "data/raw.csv")
    content = yaml.safe_load((folder / "data" / "raw.csv.dvc").read_text())
    content |= {"md5": "0" * 32, "frozen": True, "wdir": "../data"}
    write(folder, {"tracking/first.dvc": yaml.safe_dump(content)})
    (folder / "data" / "raw.csv.dvc").unlink()
    return folder


LAYOUTS: dict[str, Callable[[Path], Path]] = {
    made.__name__: made
    for made in (
        plain,
        working_folder,
        subfolders,
        loops,
        templates,
        stale_lock,
        before_version_3,
        ignored_files,
        subdirectory,
        inner_project,
        shared_cache,
        outside_file,
        imported,
        odd_dvc_file,
    )
}


def make_layout(name: str, folder: Path) -> Path:
    """Make a layout in `folder` and commit it; return the DVC project."""
    project = LAYOUTS[name](folder)
    commit(project, f"Lay out {name}")
    return project


def copy_layout(project: Path, made: Path, folder: Path) -> Path:
    """Copy everything that was made in `made`, so that a test may break it; return the project in the copy."""
    shutil.copytree(made, folder, symlinks=True)
    return folder / project.relative_to(made)
