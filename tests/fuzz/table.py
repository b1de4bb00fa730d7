"""The counts of a fuzz run, a row for each kind."""

from __future__ import annotations

from collections.abc import Sequence

from tests.fuzz.cases import Verdict

_HEAD = ("kind", "cases", "done", "refused", "failed", "slowest", "peak memory")


def table_of(verdicts: Sequence[Verdict]) -> str:
    """Counts by kind, and a line for each failure with the case that repeats it."""
    kinds = dict.fromkeys(verdict.case.partition(":")[0] for verdict in verdicts)
    rows = [_HEAD, *(_row(kind, verdicts) for kind in kinds)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    failures = [f"{v.case}  {v.detail}" for v in verdicts if v.outcome == "failed"]
    return "\n".join([*lines, *failures])


def _row(kind: str, verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    own = [verdict for verdict in verdicts if verdict.case.startswith(f"{kind}:")]
    counts = (sum(v.outcome == outcome for v in own) for outcome in ("done", "refused", "failed"))
    slowest = max(own, key=lambda verdict: verdict.seconds)
    return (
        kind,
        str(len(own)),
        *map(str, counts),
        f"{slowest.seconds:.1f} s ({slowest.case})",
        f"{max(v.mebibytes for v in own)} MiB",
    )
