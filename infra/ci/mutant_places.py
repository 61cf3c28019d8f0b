"""Where cosmic-ray can change a file, without what cannot matter: annotations, and how a dataclass is made."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

Span = tuple[tuple[int, int], tuple[int, int]]
"""A begin and an end, each a line and a column."""
CORE = "core/"
OPERATORS = tuple(
    [f"ReplaceComparisonOperator_{name}" for name in (
        "Eq_NotEq", "NotEq_Eq", "Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt", "Gt_GtE", "Gt_LtE", "GtE_Gt", "GtE_Lt",
        "Is_IsNot", "IsNot_Is",
    )]
    + [f"ReplaceBinaryOperator_{name}" for name in (
        "Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Div", "Mod_Mul", "BitOr_BitAnd", "BitAnd_BitOr",
    )]
    + ["ReplaceUnaryOperator_Delete_Not", "ReplaceUnaryOperator_USub_UAdd", "ReplaceAndWithOr", "ReplaceOrWithAnd"]
    + ["ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceBreakWithContinue", "ReplaceContinueWithBreak"]
    + ["AddNot", "NumberReplacer", "ExceptionReplacer", "ZeroIterationForLoop"]
)  # fmt: skip
"""One or two changes at each place, those that a developer makes by mistake; cosmic-ray has many more of a kind."""


@dataclass(frozen=True, slots=True)
class Place:
    """One mutant: the `occurrence`-th place of an operator in a file with a content; `was` is the line before."""

    key: str
    file: str
    operator: str
    occurrence: int
    line: int
    was: str

    def mutate(self, code: str) -> str:
        """Return the code with this one change."""
        from cosmic_ray.mutating import mutate_code
        from cosmic_ray.plugins import get_operator

        changed: str | None = mutate_code(code, get_operator(CORE + self.operator)(), self.occurrence)
        assert changed is not None, self
        return changed


def places_of(root: Path, file: str) -> Iterator[Place]:
    """Yield every place of a file below `root`; its key changes with the content of the file."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.plugins import get_operator

    code = (root / file).read_text(encoding="utf-8")
    content, lines, tree = hashlib.sha256(code.encode()).hexdigest()[:16], code.splitlines(), get_ast(code)
    parsed = ast.parse(code)
    unused, binary = list(_unused(parsed)), list(_binary(parsed))
    for name in OPERATORS:
        operator = get_operator(CORE + name)()
        places = [start for node in ast_nodes(tree) for start, _ in operator.mutation_positions(node)]
        for occurrence, start in enumerate(places):
            # The star in a signature or a call is no product.
            if "Binary" in name and not _is_in(start, binary):
                continue
            if not _is_in(start, unused):
                key = f"{content}:{name}:{occurrence}"
                yield Place(key, file, name, occurrence, start[0], lines[start[0] - 1].strip())


def _unused(tree: ast.AST) -> Iterator[Span]:
    """Yield where annotations are, which nothing evaluates, what decorates classes, and what only guards a `zip`."""
    for node in ast.walk(tree):
        decorators = node.decorator_list if isinstance(node, ast.ClassDef) else []
        is_zip = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "zip"
        guards = [each.value for each in node.keywords] if is_zip and isinstance(node, ast.Call) else []
        for part in (getattr(node, "annotation", None), getattr(node, "returns", None), *decorators, *guards):
            if isinstance(part, ast.expr) and part.end_lineno is not None and part.end_col_offset is not None:
                yield (part.lineno, part.col_offset), (part.end_lineno, part.end_col_offset)


def _binary(tree: ast.AST) -> Iterator[Span]:
    """Yield where the operators between two operands are."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and node.left.end_lineno is not None and node.left.end_col_offset is not None:
            yield (node.left.end_lineno, node.left.end_col_offset), (node.right.lineno, node.right.col_offset)


def _is_in(start: tuple[int, int], spans: Sequence[Span]) -> bool:
    return any(first <= start < last for first, last in spans)
