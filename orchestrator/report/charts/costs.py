"""What an epoch costs: energy where a device counted it, and money where a price was given."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from orchestrator.model import Row
from orchestrator.report import words
from orchestrator.report.charts.figure import Figure, Panel
from orchestrator.report.charts.material import Group, Material
from orchestrator.report.charts.rows import bars
from orchestrator.report.costs import Cost, energy, money

ENERGY = (
    "Energy of the GPU for one epoch, median over repeats, least first; beside it the energy for 1,000 samples. It "
    "counts all epochs of a job, the first included."
)
MONEY = (
    "What one epoch costs at the price per hour that was given, in its currency, median over repeats, least first; "
    "under the pointer the cost of 1,000 samples, and of the accuracy that counts as learning."
)
#: From so many joules on, watt hours say more.
MANY_J = 3600.0


def build_energy(material: Material) -> Figure | None:
    panels, best = [], []
    for group in material.groups():
        found = _costs(material, group, energy)
        if len(found) > 1:
            unit, share = ("Wh", MANY_J) if found[-1][0].epoch >= MANY_J else ("J", 1.0)
            shown = [
                (
                    column,
                    cost.epoch / share,
                    f"{words.figure(cost.samples / share if cost.samples else None)} {unit}/1,000",
                    _energy_tip(cost),
                )
                for cost, column in found
            ]
            panels.append(_panel(material, group, shown, f"{unit} per epoch"))
            best.append(f"{material.looks[found[0][1]].label} on {group.title} ({words.figure(found[0][0].epoch)} J)")
    if not panels:
        return None
    return Figure("Energy per epoch", ENERGY, f"Least energy per epoch: {'; '.join(best[:6])}.", panels)


def _energy_tip(cost: Cost) -> str:
    samples = f", {words.figure(cost.samples)} J per 1,000 samples" if cost.samples else ""
    return f"{words.figure(cost.epoch)} J ({words.figure(cost.epoch / MANY_J)} Wh) per epoch{samples}, {cost.source}"


def build_money(material: Material) -> Figure | None:
    price = material.price
    if not price:
        return None
    panels, best = [], []
    for group in material.groups():
        found = _costs(material, group, lambda rows: money(rows, price))
        if len(found) > 1:
            shown = [(column, cost.epoch, words.money(cost.epoch), _money_tip(cost)) for cost, column in found]
            panels.append(_panel(material, group, shown, "money per epoch"))
            best.append(f"{material.looks[found[0][1]].label} on {group.title} ({words.money(found[0][0].epoch)})")
    if not panels:
        return None
    alt = f"Cheapest epoch at {price:g} per hour: {'; '.join(best[:6])}."
    return Figure(f"Money per epoch at {price:g} per hour", MONEY, alt, panels)


def _money_tip(cost: Cost) -> str:
    parts = [f"{words.money(cost.epoch)} per epoch"]
    parts += [f"{words.money(cost.samples)} per 1,000 samples"] if cost.samples else []
    parts += [f"{words.money(cost.target)} to the accuracy that counts as learning"] if cost.target else []
    return ", ".join(parts)


def _costs(material: Material, group: Group, of: Callable[[Sequence[Row]], Cost | None]) -> list[tuple[Cost, int]]:
    found = [(of(material.good(column, group.line)), column) for column in group.columns]
    return sorted(((cost, column) for cost, column in found if cost), key=lambda each: each[0].epoch)


def _panel(material: Material, group: Group, shown: Sequence[tuple[int, float, str, str]], axis: str) -> Panel:
    lines = []
    for column, value, text, tip in shown:
        look = material.looks[column]
        lines.append((look, value, text, f"{look.label}: {tip}"))
    return bars(
        group.title, lines, axis, words.money if axis.startswith("money") else words.figure, material.noise(group.line)
    )
