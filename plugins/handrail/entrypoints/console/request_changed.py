"""What changed since the champion, as panels of a request's page: data, code, features, parameters and files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from handrail.entrypoints.console.words import counted, number, signed

Row = dict[str, Any]
ALL_NEW = {"Features": "feature", "Environment": "package", "Files served": "file"}
MOST = 8
"""How many rows of a panel are shown at once; the rest is folded."""


def changed_parts(changed: Mapping[str, Any] | None) -> Row | None:
    """Return the panels as JSON values, made of the gate's own `Changes.to_json`; None where it is not known."""
    if changed is None:
        return None
    first = changed["against"]["version"] is None
    if "prompt" in changed:
        title = "The prompt" if first else "The prompt, and what changed since the champion"
        texts = [_text(each) for each in changed["prompt"]]
        return {"title": title, "parts": [], "texts": texts, "unknown": list(changed["unknown"])}
    parts = [_of_first(part) if first else part for part in _parts(changed) if part["rows"] or part["sentence"]]
    title = "What it is made of" if first else "What changed since the champion"
    return {"title": title, "parts": parts, "texts": [], "unknown": list(changed["unknown"])}


def _text(file: Mapping[str, Any]) -> Row:
    """Return one file of a prompt: its text as it would become, and the difference, line by line as text."""
    said = [] if file["is_there"] else ["This version has none."]
    said += ["Nothing of it changed."] if file["was_there"] and not file["diff"] else []
    said += [f"{counted(file['left_out'], 'more character')} left out."] if file["left_out"] else []
    return {
        "name": file["path"],
        "sentence": " ".join(said),
        "text": file["text"],
        "diff": "\n".join(file["diff"][2:]),
    }


def _parts(changed: Mapping[str, Any]) -> Iterator[Row]:
    yield _part("Data", [_row(row["what"], row) for row in changed["data"] if _differs(row)], _origins(changed["data"]))
    yield _code(changed["code"])
    yield _features(changed["features"])
    yield _parameters(changed["parameters"])
    yield _three("Environment", changed["environment"], "name", "package")
    yield _three("Files served", changed["files"], "path", "file")


def _of_first(part: Row) -> Row:
    """Fold what a first version lists in full: beside nothing, that each of its files is new says little."""
    what = ALL_NEW.get(part["name"])
    rows = [*part["rows"], *part["more"]]
    listed = [row for row in rows if row["after"] in ("new", "added")]
    if what is None or not listed:
        return part
    others = [row for row in rows if row not in listed]
    return part | {"rows": others, "more": listed, "sentence": f"{counted(len(listed), what)}."}


def _code(code: Mapping[str, Any]) -> Row:
    rows = []
    if _differs(code["commit"]):
        rows.append(_row("commit", code["commit"]))
    if _differs(code["clean"]) or code["clean"]["after"] is False:
        words = {None: "not known", True: "clean", False: "with changes that were not committed"}
        clean = code["clean"]
        before = None if clean["before"] is None and clean["known"] else words[clean["before"]]
        after = words[clean["after"]]
        rows.append({"what": "checkout", "before": before, "after": after})
    files = _three("", code["files"], "path", "file of code")
    rows += [*files["rows"], *files["more"]]
    sentence = files["sentence"] if files["rows"] or not _comparable(code["files"]) else "No file of code differs."
    return _part("Code", rows, _said([code["commit"]["origin"], code["files"]["origin"]]), sentence)


def _features(features: Mapping[str, Any]) -> Row:
    rows = [{"what": name, "before": None, "after": "new"} for name in features["added"]]
    rows += [{"what": name, "before": "used", "after": "not used"} for name in features["removed"]]
    if _differs(features["service"]):
        rows.append(_row("feature service", features["service"]))
    rows += [
        {"what": f"weight of {row['name']}", "before": _value(row["before"]), "after": _moved(row)}
        for row in features["importances"]
        if row["change"]
    ]
    same = features["same"]
    sentence = f"The same {counted(same, 'feature')}." if same and not features["added"] + features["removed"] else ""
    if not _comparable(features):
        sentence = "Which features differ is not known."
    return _part("Features", rows, _said([features["origin"]]), sentence)


def _moved(row: Mapping[str, Any]) -> str:
    return f"{_value(row['after'])} ({signed(row['change'])})"


def _parameters(parameters: Mapping[str, Any]) -> Row:
    rows = [_row(row["name"], row) for row in parameters["changed"]]
    same = counted(parameters["unchanged"], "parameter")
    sentence = f"{same} unchanged." if parameters["unchanged"] else ""
    if not _comparable(parameters):
        sentence = "Which parameters differ is not known."
    return _part("Parameters", rows, _origins(parameters["changed"]) or _said([parameters["origin"]]), sentence)


def _three(name: str, part: Mapping[str, Any], key: str, what: str) -> Row:
    rows = [_row(row[key], row) for row in part["changed"]]
    rows += [{"what": row[key], "before": None, "after": "added"} for row in part["added"]]
    rows += [{"what": row[key], "before": "there", "after": "removed"} for row in part["removed"]]
    many = part["left_out"]
    if many:
        rows.append(
            {"what": f"{counted(many, 'more difference')}", "before": None, "after": "handrail approvals changes"}
        )
    sentence = f"{counted(part['same'], what, _plural(what))} the same." if part["same"] else ""
    if not _comparable(part):
        sentence = f"Which {_plural(what)} differ is not known."
    return _part(name, rows, _said([part["origin"]]), sentence)


def _plural(what: str) -> str:
    return what.replace("file of code", "files of code") if what == "file of code" else f"{what}s"


def _part(name: str, rows: Sequence[Row], origin: str, sentence: str = "") -> Row:
    return {"name": name, "rows": list(rows[:MOST]), "more": list(rows[MOST:]), "origin": origin, "sentence": sentence}


def _differs(row: Mapping[str, Any]) -> bool:
    return bool(row["before"] != row["after"])


def _row(what: str, row: Mapping[str, Any]) -> Row:
    known = row.get("known", True)
    before = None if row["before"] is None and known else _value(row["before"], known)
    return {"what": what, "before": before, "after": _value(row["after"], known)}


def _comparable(part: Mapping[str, Any]) -> bool:
    """Whether it was compared: of a first version all is listed, of another one nothing if a side is not known."""
    listed = any(part.get(kind) for kind in ("changed", "added", "removed"))
    return bool(part["known"]["after"]) and bool(part["known"]["before"] or listed)


def _value(value: Any, known: bool = True) -> str:
    if value is None:
        return "nothing" if known else "not known"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_value(inner)}" for name, inner in value.items())
    return value if isinstance(value, str) else number(value)


def _origins(rows: Sequence[Mapping[str, Any]]) -> str:
    return _said(sorted({str(row["origin"]) for row in rows if _differs(row)}))


def _said(origins: Sequence[str]) -> str:
    words = {"recomputed": "recomputed by the server"}
    return " and ".join(dict.fromkeys(words.get(origin, origin) for origin in origins))
