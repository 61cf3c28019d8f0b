"""What changed since the champion, as panels of a request's page: data, code, features, parameters and files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from handrail.approvals import Wording
from handrail.entrypoints.console.words import counted, listed, number, signed

Row = dict[str, Any]
ALL_NEW = {"Features": "feature", "Environment": "package", "Files served": "file"}
DIGEST = re.compile(r"(?:md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}|[0-9a-f]{64}|[0-9a-f]{32})(?:\.dir)?")
SETTINGS = "How it answers"
MOST = 8
"""How many rows of a panel are shown at once; the rest is folded."""


def changed_parts(changed: Mapping[str, Any] | None, called: str = Wording().called) -> Row | None:
    """Return the panels as JSON values, made of the gate's own `Changes.to_json`; None where it is not known.

    `called` is what a yes is called. `unread` are sentences about what is there when the page is loaded again.
    """
    if changed is None:
        return None
    first = changed["against"]["version"] is None
    if "prompt" in changed:
        title = "The prompt" if first else "The prompt, and what changed since the champion"
        texts = [_text(each) for each in changed["prompt"]]
        return {"title": title, "parts": [], "texts": texts, **_gaps(changed)}
    parts = [_of_first(part) if first else _since(part) for part in _parts(changed, called) if _says(part)]
    title = "What it is made of" if first else "What changed since the champion"
    return {"title": title, "parts": parts, "texts": [], **_gaps(changed)}


def short_change(changed: Row | None) -> list[Row]:
    """Return a sentence for *In short* about the settings that differ, with what is said of the files; or nothing."""
    parts = {part["name"]: part for part in (changed or {}).get("parts", ())}
    rows = [row for row in parts.get(SETTINGS, {}).get("rows", ()) if row["before"] is not None]
    if not rows:
        return []
    said = "; ".join(f"{row['what']}: {row['before']} → {row['after']}" for row in rows[:MOST])
    files = parts.get("Files served", {}).get("sentence", "")
    return [{"kind": "flat", "what": "How it answers changes:", "more": f"{said}. {files}".rstrip()}]


def _gaps(changed: Mapping[str, Any]) -> Row:
    return {"unknown": list(changed["unknown"]), "unread": list(changed.get("unread", ()))}


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


def _parts(changed: Mapping[str, Any], called: str) -> Iterator[Row]:
    yield _part("Data", [_row(row["what"], row) for row in changed["data"] if _differs(row)], _origins(changed["data"]))
    yield _code(changed["code"])
    yield _features(changed["features"])
    yield _importances(changed["features"]["importances"])
    if "settings" in changed:
        yield _settings(changed["settings"], called)
    yield _parameters(changed["parameters"])
    yield _three("Environment", changed["environment"], "name", "package")
    yield _files(changed["files"])


def _says(part: Row) -> bool:
    return bool(part["rows"] or part["more"] or part["sentence"])


def _since(part: Row) -> Row:
    """Fold what one of the versions does not record: nothing is known to have changed there."""
    rows = [row | ({"before": "none"} if row["is_new"] else {}) for row in (*part["rows"], *part["more"])]
    missing = [row for row in rows if row["unrecorded"]]
    if not missing:
        return part | {"rows": rows[: len(part["rows"])], "more": rows[len(part["rows"]) :]}
    who = listed(sorted({row["unrecorded"] for row in missing}))
    said = f"{counted(len(missing), 'value')} not recorded for the {who}"
    there = [row for row in rows if not row["unrecorded"]]
    return part | {"rows": there[:MOST], "more": there[MOST:], "unrecorded": {"sentence": said, "rows": missing}}


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
        rows.append(_said_of("checkout", before, after) | {"unrecorded": _unrecorded(clean)})
    files = _three("", code["files"], "path", "file of code")
    rows += [*files["rows"], *files["more"]]
    sentence = files["sentence"] if files["rows"] or not _comparable(code["files"]) else "No file of code differs."
    return _part("Code", rows, _said([code["commit"]["origin"], code["files"]["origin"]]), sentence)


def _features(features: Mapping[str, Any]) -> Row:
    rows = [_said_of(name, None, "new") for name in features["added"]]
    rows += [_said_of(name, "used", "not used") for name in features["removed"]]
    if _differs(features["service"]):
        rows.append(_row("feature service", features["service"]))
    same = features["same"]
    sentence = f"The same {counted(same, 'feature')}." if same and not features["added"] + features["removed"] else ""
    if not _comparable(features):
        sentence = "Which features differ is not known."
    return _part("Features", rows, _said([features["origin"]]), sentence)


def _importances(listed_rows: Sequence[Mapping[str, Any]]) -> Row:
    """Return how much each feature matters, folded: numbers without a unit that the author's runs logged."""
    rows = [_said_of(row["name"], _value(row["before"]), _moved(row)) for row in listed_rows if row["change"]]
    sentence = f"{counted(len(rows), 'feature')} moved. Weights are as the runs logged them, without a unit."
    part = _part("Importance of features", [], "author’s word", sentence if rows else "")
    return part | {"more": rows}


def _moved(row: Mapping[str, Any]) -> str:
    return f"{_value(row['after'])} ({signed(row['change'])})"


def _settings(settings: Mapping[str, Any], called: str) -> Row:
    named = {"threshold": f"threshold, from which on a score means “{called}”"}
    rows = [_row(named.get(row["name"], row["name"]), row | _plain(row)) for row in settings["changed"]]
    part = _three(SETTINGS, {**settings, "changed": []}, "name", "setting")
    # A package of another tool has no such settings; that is not a gap.
    return part | {"rows": [*rows, *part["rows"]]} if _comparable(settings) else part | {"rows": [], "sentence": ""}


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return both values of a setting as people write them: 0.35, not 0.3500."""
    return {side: f"{row[side]:g}" if isinstance(row[side], float) else row[side] for side in ("before", "after")}


def _files(files: Mapping[str, Any]) -> Row:
    part = _three("Files served", files, "path", "file")
    names = [row["path"] for row in files["changed"]]
    if _comparable(files) and not files["added"] and not files["removed"] and 0 < len(names) <= 3 and files["same"]:
        differs = f"Only {listed(names)} {'differs' if len(names) == 1 else 'differ'}"
        same = f"{counted(files['same'], 'file is', 'files are')} the same, byte for byte."
        return part | {"sentence": f"{differs}; {same}"}
    return part


def _parameters(parameters: Mapping[str, Any]) -> Row:
    rows = [_row(row["name"], row) for row in parameters["changed"]]
    same = counted(parameters["unchanged"], "parameter")
    sentence = f"{same} unchanged." if parameters["unchanged"] else ""
    if not _comparable(parameters):
        sentence = "Which parameters differ is not known."
    return _part("Parameters", rows, _origins(parameters["changed"]) or _said([parameters["origin"]]), sentence)


def _three(name: str, part: Mapping[str, Any], key: str, what: str) -> Row:
    rows = [_row(row[key], row) for row in part["changed"]]
    rows += [_said_of(row[key], None, "added") for row in part["added"]]
    rows += [_said_of(row[key], "there", "removed") for row in part["removed"]]
    many = part["left_out"]
    if many:
        rows.append(_said_of(counted(many, "more difference"), None, "handrail approvals changes"))
    sentence = f"{counted(part['same'], what, _plural(what))} the same." if part["same"] else ""
    if not _comparable(part):
        sentence = f"Which {_plural(what)} differ is not known."
    return _part(name, rows, _said([part["origin"]]), sentence)


def _plural(what: str) -> str:
    return what.replace("file of code", "files of code") if what == "file of code" else f"{what}s"


def _part(name: str, rows: Sequence[Row], origin: str, sentence: str = "") -> Row:
    shown = {"rows": list(rows[:MOST]), "more": list(rows[MOST:]), "unrecorded": None}
    return {"name": name, **shown, "origin": origin, "sentence": sentence}


def _differs(row: Mapping[str, Any]) -> bool:
    return bool(row["before"] != row["after"])


def _row(what: str, row: Mapping[str, Any]) -> Row:
    known = row.get("known", True)
    if _is_content(row["before"]) and _is_content(row["after"]):
        # Nobody compares two digests by eye: the server did.
        sizes = [each["size"] for each in (row["before"], row["after"]) if isinstance(each, Mapping)]
        size = "" if not sizes else "same size, " if sizes[0] == sizes[1] else f"{sizes[0]:,} → {sizes[1]:,} bytes, "
        said = f"{size}other content"
        return _said_of(what, None, said) | {"digest": _digest(row["after"])}
    before = None if row["before"] is None and known else _value(row["before"], known)
    more = {"unrecorded": _unrecorded(row), "is_new": row["before"] is None and known}
    return _said_of(what, before, _value(row["after"], known)) | more


def _said_of(what: str, before: str | None, after: str) -> Row:
    return {"what": what, "before": before, "after": after, "digest": None, "unrecorded": "", "is_new": False}


def _unrecorded(row: Mapping[str, Any]) -> str:
    """Return which version does not record a thing; empty where both do, or it is known that one has none."""
    if row.get("known", True) or row["before"] == row["after"]:
        return ""
    return "champion" if row["before"] is None else "candidate" if row["after"] is None else ""


def _is_content(value: Any) -> bool:
    return _digest(value) is not None


def _digest(value: Any) -> str | None:
    """Return the digest of something's content: of a file, or the digest alone; a commit is a name and none."""
    found = f"sha256:{value['sha256']}" if isinstance(value, Mapping) and {*value} == {"size", "sha256"} else value
    return found if isinstance(found, str) and DIGEST.fullmatch(found) else None


def _comparable(part: Mapping[str, Any]) -> bool:
    """Whether it was compared: of a first version all is listed, of another one nothing if a side is not known."""
    listed = any(part.get(kind) for kind in ("changed", "added", "removed"))
    return bool(part["known"]["after"]) and bool(part["known"]["before"] or listed)


def _value(value: Any, known: bool = True) -> str:
    if value is None:
        return "none" if known else "not known"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_value(inner)}" for name, inner in value.items())
    return value if isinstance(value, str) else number(value)


def _origins(rows: Sequence[Mapping[str, Any]]) -> str:
    return _said(sorted({str(row["origin"]) for row in rows if _differs(row)}))


def _said(origins: Sequence[str]) -> str:
    words = {"recomputed": "recomputed by the server"}
    return " and ".join(dict.fromkeys(words.get(origin, origin) for origin in origins))
