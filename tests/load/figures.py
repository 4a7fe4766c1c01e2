"""What was measured, what the goal was, and the table of both."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from rich.table import Table

MIB = 2**20


@dataclass
class Figure:
    """One goal: the values of all rounds, and those of the same rounds that they are held against, if it is a ratio.

    `least` or `most` is the limit, of the ratio or of the value itself. Without values it says `absent` instead.
    """

    name: str
    unit: str
    least: float | None = None
    most: float | None = None
    base_name: str = ""
    values: list[float] = field(default_factory=list)
    base: list[float] = field(default_factory=list)
    absent: str = ""

    def add(self, value: float, base: float | None = None) -> None:
        """The result of one round."""
        self.values.append(value)
        if base is not None:
            self.base.append(base)

    @property
    def ratios(self) -> list[float]:
        """Value to base, round by round."""
        return [value / base for value, base in zip(self.values, self.base, strict=True)] if self.base_name else []

    @property
    def goal(self) -> str:
        """The limit in words."""
        limit = self.least if self.least is not None else self.most
        if limit is None:
            return ""
        sign = "≥" if self.least is not None else "≤"
        return f"{sign} {limit:g} of {self.base_name}" if self.base_name else f"{sign} {limit:,g} {self.unit}"

    @property
    def verdict(self) -> str:
        """``ok``, ``short``, or nothing where no goal is set."""
        if not self.values:
            return self.absent
        reached = median(self.ratios or self.values)
        if self.least is not None:
            return "ok" if reached >= self.least else "short"
        return "" if self.most is None else "ok" if reached <= self.most else "short"


def spread(values: Sequence[float]) -> str:
    """Median [least..most], in a readable number of digits."""
    if not values:
        return ""
    digits = 0 if median(values) >= 100 else 1 if median(values) >= 10 else 2
    return f"{median(values):,.{digits}f} [{min(values):,.{digits}f}..{max(values):,.{digits}f}]"


def table(figures: Sequence[Figure]) -> Table:
    """All figures, one a row."""
    shown = Table("Figure", "Goal", "Median [min..max]", "Unit", "Ratio [min..max]", "", show_edge=False)
    style = {"ok": "green", "short": "red"}
    for figure in figures:
        verdict = figure.verdict
        shown.add_row(
            *(figure.name, figure.goal, spread(figure.values), figure.unit, spread(figure.ratios)),
            f"[{style[verdict]}]{verdict}[/]" if verdict in style else verdict,
        )
    return shown
