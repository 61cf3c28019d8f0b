"""`handrail init` as a user types it: a project from a table, one sentence for bad input, nothing half-written."""

import json
import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest

from handrail.use_case import read_use_case
from tests.fakes.tables import ROWS, shop, write_csv

HANDRAIL = Path(sys.executable).with_name("handrail")


def _git(folder, *arguments):
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Make one project for tests that only read it."""
    place = tmp_path_factory.mktemp("made")
    write_csv(place / "shop.csv", shop())
    done = subprocess.run(
        [HANDRAIL, "init", "orders", "--table", "shop.csv", "--label", "returned"],
        cwd=place, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return place / "orders", done


def test_it_writes_a_project_and_ends_with_ten_lines(project):
    folder, done = project

    assert len(done.stdout.splitlines()) == 10
    assert done.stdout.splitlines()[-1] == "Next:       cd orders && make demo"
    assert "'returned' is a binary label: it has two values. Otherwise: --kind." in done.stderr
    assert sorted(path.name for path in folder.parent.iterdir()) == ["orders", "shop.csv"]


def test_the_reason_of_each_column_that_is_left_out_is_shown(run, tmp_path):
    copies = {f"copy {number}": shop()["returned"] for number in range(12)}
    write_csv(tmp_path / "t.csv", shop() | {"a": shop()["price"]} | copies)

    code, out, err = run("--table", "t.csv", "--label", "returned", "--leave-out", "a")

    assert (code or 0) == 0
    assert err.count("' is left out: it knows the label nearly alone") == 12
    assert "More columns are left out: 1; README.md of the project has their reasons." in err
    assert "Reasons:    above, and in README.md;" in out
    assert "- a is left out: it was named with --leave-out." in (tmp_path / "project" / "README.md").read_text()


def test_a_column_that_stands_out_is_named_with_the_flag_that_leaves_it_out(run, tmp_path):
    prices = [float(price) for price in shop()["price"]]
    leak = [price if number % 8 else 20.0 for number, price in enumerate(prices)]
    noise = [str((number * 7919) % 101) for number in range(ROWS)]
    write_csv(tmp_path / "t.csv", shop() | {"paid in the end": [f"{each:.2f}" for each in leak], "noise": noise})

    code, _, err = run("--table", "t.csv", "--label", "price", "--entity", "none")

    assert (code or 0) == 0
    said = " ".join(err.split())
    assert "Look at 'paid in the end': it answers 'price' far better than the other columns (R² 0." in said
    assert "it is a leak: --leave-out 'paid in the end'. Otherwise: --keep 'paid in the end'." in said


def test_every_name_that_is_left_out_is_shown(run, tmp_path):
    copies = {f"copy {number}": shop()["returned"] for number in range(12)}
    write_csv(tmp_path / "t.csv", shop() | copies)

    _, out, _ = run("--table", "t.csv", "--label", "returned")

    left_out = next(line for line in out.splitlines() if line.startswith("Left out:"))
    assert left_out == f"Left out:   12: {', '.join(copies)}"


def test_it_understands_the_table(project):
    use_case = read_use_case(project[0])

    assert use_case.name == "orders"
    assert (use_case.subject.column, use_case.subject.many) == ("order_id", "orders")
    assert use_case.time.event == "ordered"
    assert (use_case.label.column, use_case.label.positive, use_case.label.negative) == ("returned", "yes", "no")
    assert use_case.entities == ("buyer_id",)
    assert {"price", "colour"} <= set(use_case.request)


def test_the_table_is_tracked_by_dvc_and_everything_else_by_git(project):
    folder, _ = project

    assert _git(folder, "status", "--porcelain") == []
    tracked = _git(folder, "ls-files")
    assert "data/source/table.parquet.dvc" in tracked
    assert not [name for name in tracked if name.endswith(".parquet") or name.startswith(".dvc/cache")]
    assert pl.read_parquet(folder / "data" / "source" / "table.parquet").height == ROWS
    assert _git(folder, "rev-parse", "main") == _git(folder, "rev-parse", "handrail-template")


def test_an_update_is_a_branch_that_git_merges(project, tmp_path, run):
    folder = tmp_path / "project"
    subprocess.run(["git", "clone", "--quiet", str(project[0]), str(folder)], check=True)
    _git(folder, "branch", "handrail-template")
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    changed = folder / "config" / "objectives.yaml"
    changed.write_text(f"{changed.read_text()}# ours\n")
    _git(folder, *who, "commit", "--quiet", "--all", "--message=ours")

    assert run("--update")[1] == "Nothing to do: the project has the template of this Handrail.\n"

    _git(folder, "checkout", "--quiet", "handrail-template")
    (folder / "params.yaml").write_text("older: 1\n")
    (folder / "gone.txt").write_text("the template had it once\n")
    _git(folder, "add", "--all")
    _git(folder, *who, "commit", "--quiet", "--message=older template")
    _git(folder, "checkout", "--quiet", "-")
    _git(folder, *who, "merge", "--quiet", "--no-edit", "handrail-template")

    code, out, _ = run("--update")

    assert (code or 0) == 0
    assert out.splitlines()[-1].strip() == "git merge handrail-template"
    _git(folder, *who, "merge", "--quiet", "--no-edit", "handrail-template")
    assert (folder / "params.yaml").read_bytes() == (project[0] / "params.yaml").read_bytes()
    assert not (folder / "gone.txt").exists()
    assert changed.read_text().endswith("# ours\n")
    assert (folder / "data" / "source" / "table.parquet.dvc").exists()
    assert len(_git(folder, "worktree", "list")) == 1


def test_an_update_needs_a_clean_project(project, tmp_path, run):
    subprocess.run(["git", "clone", "--quiet", str(project[0]), "project"], cwd=tmp_path, check=True)
    (tmp_path / "project" / "params.yaml").write_text("mine: 1\n")

    code, _, err = run("--update")

    assert code == 1
    assert "commit it first" in err


def test_an_update_needs_a_project_that_init_wrote(tmp_path, run):
    (tmp_path / "project").mkdir()

    code, _, err = run("--update")

    assert code == 1
    assert "init.json" in err


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path, name):
    write_csv(tmp_path / "t.csv", shop())
    pl.read_csv(tmp_path / "t.csv").write_parquet(tmp_path / "t.parquet")
    script = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        # Python would leave compiled modules of 1,000 bytes, which nobody can import any more.
        "sys.dont_write_bytecode = True;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000));"
        "from handrail.entrypoints.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "init", "project", "--table", name, "--label", "returned"],
        cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=os.environ,
    )  # fmt: skip

    assert done.returncode == 1
    assert done.stderr.startswith("error: project: it cannot be written: file too large.")
    assert len(done.stderr.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.csv", "t.parquet"]


def test_json_holds_what_was_understood(run, tmp_path):
    write_csv(tmp_path / "t.csv", shop() | {"copy": shop()["returned"]})

    code, out, _ = run("--table", "t.csv", "--label", "returned", "--json", "--time", "none", "--subject", "none")

    understood = json.loads(out)
    assert (code or 0) == 0
    assert (understood["subject"], understood["time"], understood["kind"]) == (None, None, "binary")
    out_of_use = {column["name"]: reason for column, reason in understood["left_out"]}
    assert "knows the label" in out_of_use["copy"]
    assert "memorises" in out_of_use["order id"]


def _typed_on_a_terminal(place, lines, *arguments):
    """Run it with a terminal as its stdin and stderr that a person types `lines` into; return what it shows."""
    ours, theirs = pty.openpty()
    os.write(ours, "".join(f"{line}\n" for line in lines).encode())
    command = [HANDRAIL, "init", "project", "--table", "t.csv", "--label", "returned", *arguments]
    with subprocess.Popen(command, cwd=place, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # Linux reports the end of a terminal as an error.
            while part := os.read(ours, 4096):
                shown += part
    os.close(ours)
    return process.returncode, shown.decode()


def test_a_terminal_is_asked_and_a_bare_enter_takes_the_guess(tmp_path):
    write_csv(tmp_path / "t.csv", shop())

    code, shown = _typed_on_a_terminal(tmp_path, ["", "no", "none", "nonsense", "ordered", ""])

    assert code == 0, shown
    assert "Which value of 'returned' is looked for?" in shown
    use_case = read_use_case(tmp_path / "project")
    assert (use_case.label.positive, use_case.subject.column, use_case.time.event) == ("no", "row_id", "ordered")


def test_yes_asks_nothing(tmp_path):
    write_csv(tmp_path / "t.csv", shop())

    code, shown = _typed_on_a_terminal(tmp_path, [], "--yes")

    assert code == 0
    assert "Which" not in shown


def test_without_git_the_project_is_written_too(tmp_path, run, monkeypatch):
    write_csv(tmp_path / "t.csv", shop())
    monkeypatch.setenv("PATH", str(tmp_path / "no programs"))

    code, out, _ = run("--table", "t.csv", "--label", "returned", folder="project")

    assert (code or 0) == 0
    assert "no git" in out
    assert not (tmp_path / "project" / ".git").exists()
    assert (tmp_path / "project" / "data" / "source" / "table.parquet.dvc").exists()


def test_the_current_folder_can_be_the_project(tmp_path, run, monkeypatch):
    write_csv(tmp_path / "t.csv", shop())
    (tmp_path / "orders").mkdir()
    monkeypatch.chdir(tmp_path / "orders")

    code, _, _ = run("--table", "../t.csv", "--label", "returned", folder=".")

    assert (code or 0) == 0
    assert read_use_case(Path.cwd()).name == "orders"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["orders", "t.csv"]
