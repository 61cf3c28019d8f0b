"""Which node a reference means: a URI or its beginning, a project path, a commit, a name that MLflow uses, a person."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from urllib.parse import quote

from handrail.errors import InvalidInput, UnknownReference
from handrail.lineage.domain.errors import AmbiguousReference
from handrail.lineage.domain.logins import without_logins
from handrail.lineage.domain.names import PLAIN, data_prefix, shorten_uri
from handrail.lineage.domain.timeline import ends_in
from handrail.lineage.ports import LineagePorts
from handrail.lineage.service.nearest import known_names, known_paths, nearest_names
from handrail.refs import BentoTag, ModelAlias

MAX_CHARACTERS = 2048
MOST_FOUND = AmbiguousReference.MOST + 1
MOST_VERSIONS = 10_000
LAST_CHARACTER = "\U0010ffff"
_COMMIT = re.compile(r"[0-9a-f]{7,40}")
# A name of MLflow's may hold an @, an alias may not.
_MODEL_VERSION = re.compile(r"models:/(?P<name>[^/]+)/(?P<version>[0-9]+)")
_EPOCH_AND_VERSION = re.compile(r"/(?P<epoch>[0-9]{1,18})/(?P<version>[0-9]+)$")
_MODEL_ALIAS = re.compile(r"models:/(?P<name>[^/]+)@(?P<alias>[^/@]+)")
_NAME_AND_VERSION = re.compile(r"[^/:]+/[0-9]+")
_AS_SHOWN = re.compile(r"(?P<name>[^\s/:]+) (?P<version>[^\s/:]+)")
"""How pages and answers name versions and deployments, such as `espresso 4`."""
_LOGGED_MODEL = re.compile(r"models:/(?P<id>m-[^/@]+)")
_REQUEST = re.compile(r"pr-[0-9a-f]{4,20}")
_HEX = re.compile(r"[0-9a-f]{7,64}(\.dir)?")
_DIGEST = re.compile(r"[a-z][a-z0-9-]{1,15}:[0-9a-f]{7,128}(\.dir)?")
ALGORITHMS = ("sha256", "md5")
FORMS = (
    "Give a prediction id, a URI or its beginning, a path under DVC (data/raw), a commit, a digest, name/1, "
    "models:/name@alias, runs:/id, a request's id, feature_view/name, a bento's name:version, a person, or a name "
    "(champion)."
)
_RUN = re.compile(r"runs:/(?P<id>[^/@]+)(/.*)?")


class References:
    """Finds the node that a reference means; every way to write one is tried, the narrowest first."""

    def __init__(self, ports: LineagePorts) -> None:
        self._ports = ports

    def resolve(self, ref: str) -> str:
        """Return the URI of the one node that `ref` means.

        Raises:
            UnknownReference: nothing has that name.
            AmbiguousReference: it fits several nodes.
        """
        ref = without_logins(ref)
        for guess in self._guesses(ref):
            found = tuple(guess(ref))
            if len(found) > 1:
                raise AmbiguousReference(ref, found)
            if found:
                return found[0]
        raise self.unknown(ref)

    def unknown(self, ref: str) -> UnknownReference:
        """Return the error that nothing has that name, with the nearest known names, else with what can be given."""
        if aliases := self._aliases_beside(ref):
            return UnknownReference("version", ref, f"The aliases of that model are: {', '.join(aliases)}.", "ref")
        kind = "prediction, version or project path"
        return UnknownReference(kind, ref, close_to(self.nearest(ref)) or FORMS, "ref")

    def nearest(self, ref: str) -> Sequence[str]:
        """Return known names that are written much as `ref` is, the nearest first."""
        return nearest_names(ref, self._ports, self._authorities("mlflow"))

    def beginning(self, begin: str, most: int) -> Sequence[str]:
        """Return known names that begin so, as a person would write them; for a shell that completes them."""
        names = [*known_names(self._ports, self._authorities("mlflow")), *known_paths(self._ports, begin)]
        return sorted({name for name in names if name.startswith(begin)})[:most]

    def _guesses(self, ref: str) -> Sequence[Callable[[str], Sequence[str]]]:
        if "://" in ref:
            return (self._beginning, self._unescaped)
        if ref.startswith(("models:/", "runs:/")):
            return (self._of_mlflow,)
        if _DIGEST.fullmatch(ref):
            return (self._digest, self._tagged)
        named = (self._numbered, self._path, self._tagged, self._below_authority, self._pointed_at, self._as_shown)
        return (self._commit, self._request, *named, self._run, self._digest)

    def _beginning(self, prefix: str) -> Sequence[str]:
        """Find by the beginning of a URI; a name without its version is not the beginning of a longer name.

        A thing below another one that was found, as the rows of a read, is left out.
        """
        found = self._find(f"{prefix}@") or self._find(prefix)
        heads: list[str] = []
        for uri in found:
            if not heads or not uri.startswith(f"{heads[-1]}/"):
                heads.append(uri)
        if len(heads) == 1 and len(found) == MOST_FOUND:
            heads += self._ports.graph.find(prefix, 1, f"{heads[0]}/{LAST_CHARACTER}")
        return heads

    def _unescaped(self, ref: str) -> Sequence[str]:
        """Find a URI of which the signs are given as the producer wrote them, such as quotes, or which is too long."""
        return self._beginning(shorten_uri(quote(ref, safe=f"{PLAIN}%"))) or self._beginning(
            shorten_uri(quote(ref, safe=PLAIN))
        )

    def _path(self, ref: str) -> Sequence[str]:
        return self._beginning(data_prefix(self._ports.repository, ref.removeprefix("./")))

    def _commit(self, ref: str) -> Sequence[str]:
        if not _COMMIT.fullmatch(ref):
            return ()
        ours = self._find(f"git://{_segment(self._ports.repository)}/{ref}")
        return ours or [found for place in self._authorities("git") for found in self._find(f"{place}/{ref}")]

    def _request(self, ref: str) -> Sequence[str]:
        """Find the permit of a request by its id, or by the beginning of that."""
        if not _REQUEST.fullmatch(ref):
            return ()
        return [found for place in self._authorities("approval") for found in self._beginning(f"{place}/{ref}")]

    def _run(self, ref: str) -> Sequence[str]:
        """Find an MLflow run by its id, or by the beginning of that."""
        if not _HEX.fullmatch(ref):
            return ()
        return [found for place in self._authorities("mlflow") for found in self._find(f"{place}/run/{ref}")]

    def _digest(self, ref: str) -> Sequence[str]:
        """Find by a digest, `sha256:9f86...` or its digits alone, or by the beginning of either."""
        if _DIGEST.fullmatch(ref):
            return self._ports.graph.with_digest(ref, MOST_FOUND)
        if not _HEX.fullmatch(ref):
            return ()
        known = (self._ports.graph.with_digest(f"{algorithm}:{ref}", MOST_FOUND) for algorithm in ALGORITHMS)
        return sorted({uri for found in known for uri in found})

    def _numbered(self, ref: str) -> Sequence[str]:
        """Find `name/1`, as MLflow writes it without the scheme."""
        return self._of_mlflow(f"models:/{ref}") if _NAME_AND_VERSION.fullmatch(ref) else ()

    def _as_shown(self, ref: str) -> Sequence[str]:
        """Find `name 1`, as answers name a version or a deployment."""
        shown = _AS_SHOWN.fullmatch(ref)
        if not shown:
            return ()
        name, version = shown["name"], shown["version"]
        places = self._authorities("deploy")
        return self._numbered(f"{name}/{version}") or self._named(
            f"{place}/{_segment(name)}/{_segment(version)}" for place in places
        )

    def _tagged(self, ref: str) -> Sequence[str]:
        name, colon, version = ref.partition(":")
        return self._find(BentoTag(name, version).uri) if name and colon and version else ()

    def _below_authority(self, ref: str) -> Sequence[str]:
        """Find `feature_view/<name>` below any project of Feast, or a person below any identity provider."""
        if ref.startswith(("feature_view/", "feature_service/")):
            return [found for place in self._authorities("feast") for found in self._beginning(f"{place}/{ref}")]
        return self._named(f"{place}/{_segment(ref)}" for place in self._authorities("actor"))

    def _at_alias(self, ref: str) -> Sequence[str]:
        """Follow `name@alias` of exactly that model: another one's name may end in the same word."""
        moves = self._ports.pointers.history(f"{ModelAlias.PREFIX}{ref}")
        return [moves[-1].target] if moves and moves[-1].target else ()

    def _pointed_at(self, ref: str) -> Sequence[str]:
        """Follow a moving name, or the end of one, to where it points now."""
        if found := self._at_alias(ref):
            return found
        targets = (self._target(name) for name in self._ports.pointers.names() if ends_in(name, ref))
        return sorted({target for target in targets if target})

    def _target(self, name: str) -> str | None:
        return self._ports.pointers.history(name)[-1].target

    def _aliases_beside(self, ref: str) -> Sequence[str]:
        """Return the aliases that the model of `models:/name@alias` has now."""
        asked = _MODEL_ALIAS.fullmatch(ref)
        if not asked:
            return ()
        model = f"{ModelAlias.PREFIX}{asked['name']}"
        names = [name for name in self._ports.pointers.names() if name.rpartition("@")[0] == model]
        return sorted({name.rpartition("@")[2] for name in names if self._target(name)})

    def _of_mlflow(self, ref: str) -> Sequence[str]:
        if alias := _MODEL_ALIAS.fullmatch(ref):
            return self._at_alias(f"{alias['name']}@{alias['alias']}")
        places = self._authorities("mlflow")
        if model := _LOGGED_MODEL.fullmatch(ref):
            return self._named(f"{place}/model/{model['id']}" for place in places)
        if run := _RUN.fullmatch(ref):
            return self._named(f"{place}/run/{run['id']}" for place in places)
        if version := _MODEL_VERSION.fullmatch(ref):
            return [uri for place in places for uri in self._version(place, version["name"], version["version"])]
        return ()

    def _version(self, place: str, name: str, version: str) -> Sequence[str]:
        """Return a model version of one server: if several models had the name one after another, the last one's."""
        found = self._ports.graph.find(f"{place}/registered/{_segment(name)}/", MOST_VERSIONS)
        # A producer of events may have sent a URI that begins like this and continues otherwise.
        forms = ((_EPOCH_AND_VERSION.search(uri), uri) for uri in found)
        fitting = [(int(form["epoch"]), uri) for form, uri in forms if form and form["version"] == version]
        return [uri for _, uri in sorted(fitting)[-1:]]

    def _named(self, uris: Iterable[str]) -> Sequence[str]:
        """Return those of the URIs that lineage has."""
        return [uri for uri in uris if self._ports.graph.find(uri, 1) == (uri,)]

    def _find(self, prefix: str) -> Sequence[str]:
        return self._ports.graph.find(prefix, MOST_FOUND)

    def _authorities(self, scheme: str) -> Iterator[str]:
        """Yield `scheme://authority` of everything that is named so, by a look-up for each."""
        after = ""
        while found := self._ports.graph.find(f"{scheme}://", 1, after):
            authority = "/".join(found[0].split("/")[:3])
            yield authority
            after = f"{authority}/{LAST_CHARACTER}"


def check_reference(ref: str, field: str = "ref") -> str:
    """Return `ref` if it can mean something.

    Raises:
        InvalidInput: it is empty, too long, or holds control characters.
    """
    if not ref or len(ref) > MAX_CHARACTERS:
        problem = "it is empty" if not ref else f"{ref[:40]!r}... is too long"
        raise InvalidInput(field, problem, f"Give 1 to {MAX_CHARACTERS} characters.")
    if any(ord(char) < 32 or ord(char) == 127 or 0xD800 <= ord(char) < 0xE000 for char in ref):
        raise InvalidInput(field, f"{ref[:60]!r} holds control characters", "Leave them out.")
    return ref


def close_to(names: Sequence[str]) -> str:
    """Return the sentence that names what is written much alike, empty if there is nothing."""
    return f"Close to it: {', '.join(names)}." if names else ""


def _segment(text: str) -> str:
    return quote(text, safe="@:+~.-_")
