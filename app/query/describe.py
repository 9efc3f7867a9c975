"""How a plan says itself in English, so that an answer, an empty one above all, tells what was searched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.query.fields import Bound
from app.query.params import is_ref

if TYPE_CHECKING:
    from app.query.plan import Condition, Plan


def sentence(plan: Plan) -> str:
    """The question in one sentence."""
    return f"{question(plan)}; as of revision {plan.view.revision}."


def question(plan: Plan) -> str:
    """The question, at whatever revision it is asked."""
    parts = [_condition(line) for line in plan.conditions]
    if plan.period is not None:
        name, given = plan.period.line.name, dict(plan.query.pairs)
        sure = "certainly" if plan.period.certain else "possibly"
        parts += [
            f"{name} {sure} {word} {given[f'{name}_{end}']}"
            for end, word in (("from", "from"), ("before", "before"))
            if f"{name}_{end}" in given
        ]
        if plan.period.undated:
            parts.append("undated ones included")
    if plan.words:
        parts.append("with the words " + ", ".join(word.strip() for word in plan.words))
    if plan.pick is not None:
        parts.append(f"the {plan.pick.which}" + (f" per {plan.pick.name}" if plan.pick.name else ""))
    left_out = plan.resource.leaves_out
    if left_out is not None and not any(line.filter.name == left_out.filter for line in plan.conditions):
        parts.append(f"without {left_out.filter} {' or '.join(left_out.values)}")
    asked = "; ".join(parts) if parts else "all"
    outside = "with" if plan.view.enrichment else "without"
    return f"{plan.resource.name}: {asked}; {outside} enrichment"


def _condition(line: Condition) -> str:
    if is_ref(line.filter):
        values = [
            " or ".join(ids) or f"{raw!r}, which is not known here"
            for raw, ids in zip(line.raw, line.values, strict=True)
        ]
    else:
        values = list(line.raw)
    joined = " and " if getattr(line.filter, "every", False) and not line.negated else " or "
    verb = (
        "is not"
        if line.negated
        else "at least"
        if isinstance(line.filter, Bound) and line.filter.op == "from"
        else "below"
        if isinstance(line.filter, Bound)
        else "is"
    )
    name = (
        line.filter.name.removesuffix("_from").removesuffix("_before")
        if isinstance(line.filter, Bound)
        else line.filter.name
    )
    return f"{name} {verb} {joined.join(values)}"
