"""Where cosmic-ray can change a file, without what cannot matter: annotations, and how a dataclass is made."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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
    unused = list(_unused(ast.parse(code)))
    for name in OPERATORS:
        operator = get_operator(CORE + name)()
        places = [start for node in ast_nodes(tree) for start, _ in operator.mutation_positions(node)]
        for occurrence, start in enumerate(places):
            if not any(first <= start < last for first, last in unused):
                key = f"{content}:{name}:{occurrence}"
                yield Place(key, file, name, occurrence, start[0], lines[start[0] - 1].strip())


def _unused(tree: ast.AST) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yield begin and end (line, column) of annotations, which nothing evaluates, and of what decorates classes."""
    for node in ast.walk(tree):
        decorators = node.decorator_list if isinstance(node, ast.ClassDef) else []
        for part in (getattr(node, "annotation", None), getattr(node, "returns", None), *decorators):
            if isinstance(part, ast.expr) and part.end_lineno is not None and part.end_col_offset is not None:
                yield (part.lineno, part.col_offset), (part.end_lineno, part.end_col_offset)
