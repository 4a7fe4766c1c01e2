"""Returns over the API, from their booking until every unit is where it was decided to be."""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

from tests import build
from tests.load.program import Answer, Program, Unexpected
from tests.load.trade_rows import Row

SEED = 2011
GRADES, OFTEN = "ABCD", (60, 20, 12, 8)
# What becomes of each grade, and how often in a hundred.
FATES = {
    "A": {"RESTOCK": 86, "SEND_HOME": 8, "RELABEL": 1, "DONATE": 5},
    "B": {"SECOND": 78, "SEND_HOME": 10, "RELABEL": 2, "DONATE": 10},
    "C": {"REPAIR": 8, "SCRAP": 72, "SEND_HOME": 20},
    "D": {"SCRAP": 80, "SEND_HOME": 20},
}
# Each fate that leaves goods in the warehouse has a bin of its own, so that it can be counted.
BINS = {"RESTOCK": "WALK-GOOD", "SECOND": "WALK-SECOND", "RELABEL": "WALK-RELABELLED", "REPAIR": "WALK-REPAIRED"}
# Steps that a program may send again under the same key when it did not get the answer.
REPEATABLE = frozenset(
    {
        *("book", "receive", "grade", "decide", "carry out"),
        *("diagnose", "quote a repair", "answer a quote for a repair", "work on a repair", "test", "finish a repair"),
        *(
            "relabel",
            "open a batch",
            "fill a batch",
            "ready a batch",
            "pack a batch",
            "send a batch",
            "confirm an arrival",
        ),
    }
)
HOME_AREA = "4604"
NO_BUYER = "The paper names no buyer whom we could ask."


@dataclass
class Unit:
    """What was received and where it went."""

    code: str
    item: str
    lot: str
    pieces: int
    grade: str = ""
    fate: str = ""

    @property
    def condition(self) -> str:
        """As what it lies on the shelf afterwards: with small flaws it stays second grade, whatever label it gets."""
        return "SECOND" if self.grade == "B" else "GOOD"


@dataclass
class Return:
    """A cancelled invoice: the rows that were booked under it, and its units."""

    invoice: str
    rows: list[Row]
    id: str = ""
    number: str = ""
    units: list[Unit] = field(default_factory=list)


class Walk:
    """The owner's and the operator's programs, and what became of every row."""

    def __init__(self, warehouse: str, owner: Program, operator: Program) -> None:
        self.warehouse, self.owner, self.operator = warehouse, owner, operator
        self.refused: dict[int, str] = {}
        self.returns: list[Return] = []
        self._lock = Lock()
        told = owner.get("read the reasons", "/returns/reasons")
        self._reasons = [each["code"] for each in told if "buyer" in each["kinds"]]
        self._questions = _questions_of(owner.get("read the checklists", "/returns/checklists"), "general")
        book = operator.get("read the fault book", "/repairs/fault-book")
        self._checks = list(book["classes"]["general"]["checks"])

    # ------------------------------------------------------------------------------------------------------ one return

    def whole_way(self, invoice: str, rows: Sequence[Row]) -> None:
        """Book a return and go with it until everything is carried out that needs no workshop and no ship."""
        chance = random.Random(f"{SEED}:{invoice}")
        back = self._book(invoice, rows, chance)
        if back is None:
            return
        self._refuse_lines(back)
        self._receive(back)
        if back.units:
            self._accept_lines(back)
            photo = self.operator.photo("bring photos", build.PHOTO + invoice.encode())
            self._grade(back, photo, chance)
            self._decide(back, chance)
            self._carry_out(back, photo)
        with self._lock:
            self.returns.append(back)

    def _book(self, invoice: str, rows: Sequence[Row], chance: random.Random) -> Return | None:
        """Book the rows of an invoice; lines that are refused are taken out, and the others booked again."""
        wanted, reason = list(rows), chance.choice(self._reasons)
        while wanted:
            lines = [(row, line) for row in wanted for line in _lines_of(row)]
            answer = self.owner.post(
                "book",
                "/returns",
                {
                    "warehouse": self.warehouse,
                    "kind": "buyer",
                    "reason": reason,
                    "reference": invoice,
                    "buyer": {"country": wanted[0].country},
                    "lines": [line for _, line in lines],
                },
            )
            if answer.done:
                return Return(invoice, wanted, answer.body["id"], answer.body["number"])
            out = self._taken_out(answer, [row for row, _ in lines])
            wanted = [row for row in wanted if row.number not in out]
        return None

    def _taken_out(self, answer: Answer, rows: Sequence[Row]) -> set[int]:
        """Keep why lines were refused; the numbers of their rows. What is wrong with no line concerns them all."""
        out: set[int] = set()
        if answer.status != 422:
            raise Unexpected(f"book answered {answer.status}: {answer.body}")
        with self._lock:
            for place, sentence in answer.faults:
                found = re.match(r"lines\.(\d+)\.", place)
                for row in [rows[int(found[1])]] if found else rows:
                    self.refused.setdefault(row.number, sentence)
                    out.add(row.number)
        return out

    def _lines(self, back: Return) -> list[dict[str, Any]]:
        lines: list[dict[str, Any]] = self.operator.get("read a return", f"/returns/{back.id}")["lines"]
        return lines

    def _refuse_lines(self, back: Return) -> None:
        """Goods that have only a paper without a buyer are not taken in."""
        anonymous = {row.note: row for row in back.rows if not row.buyer}
        for line in self._lines(back) if anonymous else []:
            if line["note"] in anonymous:
                self._settle(back, line, "refused", NO_BUYER)
                with self._lock:
                    self.refused[anonymous[line["note"]].number] = NO_BUYER

    def _receive(self, back: Return) -> None:
        """Take everything in that is expected, into quarantine."""
        body = {"warehouse": self.warehouse, "number": back.number}
        if all(row.number in self.refused for row in back.rows):
            return
        self.operator.must("receive", "/returns/receipts", body)
        waiting = self.operator.rows("list what waits", "/returns/units", queue="grade", search=back.number)
        back.units = [Unit(row["code"], row["item"], row["lot"] or "", row["quantity"]) for row in waiting]

    def _accept_lines(self, back: Return) -> None:
        """The goods are here and were looked at: what had only the buyer's paper is accepted."""
        for line in self._lines(back):
            if line["investigation"] == "open":
                self._settle(back, line, "accepted", "The goods are ours; the buyer bought them before these months.")

    def _settle(self, back: Return, line: dict[str, Any], verdict: str, note: str) -> None:
        path = f"/returns/{back.id}/lines/{line['line_no']}/finding"
        self.operator.must("settle", path, {"verdict": verdict, "note": note})

    def _grade(self, back: Return, photo: str, chance: random.Random) -> None:
        """Every unit is looked at; how good it is, is drawn."""
        for unit in back.units:
            (unit.grade,) = chance.choices(GRADES, OFTEN)
        looks = [
            {
                "units": [unit.code],
                "answers": _answers_for(unit.grade, self._questions),
                "grade": unit.grade,
                "photos": [photo],
            }
            for unit in back.units
        ]
        self.operator.must("grade", "/returns/inspections", {"looks": looks})

    def _decide(self, back: Return, chance: random.Random) -> None:
        """The owner decides, kind by kind; a repair is of one piece, so that it is split off, and the others are scrapped."""
        for unit in list(back.units):
            (unit.fate,) = chance.choices(list(FATES[unit.grade]), list(FATES[unit.grade].values()))
            if unit.fate == "REPAIR" and unit.pieces > 1:
                rest = {"unit": unit.code, "quantity": unit.pieces - 1, "of": unit.pieces}
                code = self.owner.must("split", "/returns/splits", rest)["unit"]
                back.units.append(Unit(code, unit.item, unit.lot, unit.pieces - 1, unit.grade, "SCRAP"))
                unit.pieces = 1
        for fate, codes in _by_fate(back.units).items():
            self.owner.must("decide", "/returns/decisions", {"units": codes, "kind": fate})

    def _carry_out(self, back: Return, photo: str) -> None:
        for fate, codes in _by_fate(back.units).items():
            if fate != "SEND_HOME":
                self.operator.must("carry out", "/returns/dispositions", {"units": codes, **_deed(fate, photo)})

    # ------------------------------------------------------------------------------------------- workshop, service, ship

    def units(self, fate: str) -> list[Unit]:
        """Every unit that became this."""
        return [unit for back in self.returns for unit in back.units if unit.fate == fate]

    def repair(self, unit: Unit) -> None:
        """Diagnose a unit, quote, let its owner agree, work, test, and put it back as good."""
        order = f"/repairs/{self._follow_up(unit)}"
        finding = {"codes": ["WORKMANSHIP"], "repairable": True}
        self.operator.must("diagnose", f"{order}/diagnosis", finding)
        quote = {"currency": "GBP", "minutes": 10, "rate": "30", "expires_at": _in_days(3)}
        quoted = self.operator.must("quote a repair", f"{order}/quotes", quote)["id"]
        self.owner.must("answer a quote for a repair", f"{order}/quotes/{quoted}/answer", {"approve": True})
        self.operator.must("work on a repair", f"{order}/labour", {"minutes": 10, "done": True})
        self.operator.must("test", f"{order}/tests", {"answers": dict.fromkeys(self._checks, "ok")})
        self.operator.must(
            "finish a repair", f"{order}/finish", {"location": BINS["REPAIR"], "condition": unit.condition}
        )

    def relabel(self, unit: Unit) -> None:
        """Quote the job, let its owner agree, put new labels on every piece, report, and let the owner accept."""
        job = f"/services/jobs/{self._follow_up(unit)}"
        terms = {"price": "0.10", "currency": "GBP", "quantity": unit.pieces, "expires_at": _in_days(3)}
        self.operator.must("quote a job", f"{job}/quote", {"revision": self._revision(job), **terms})
        self.owner.must("answer a quote", f"{job}/answer", {"revision": self._revision(job), "accept": True})
        pieces = {"line": 0, "quantity": unit.pieces}
        photo = self.operator.photo("bring photos", build.PHOTO + unit.code.encode())
        done = {
            "runs": unit.pieces,
            "taken": [{**pieces, "location": "WORKSHOP", "lot": unit.lot or None}],
            "put": [{**pieces, "location": BINS["RELABEL"], "condition": unit.condition}],
            "photos": [photo],
        }
        self.operator.must("relabel", f"{job}/transformations", done)
        result = {"outcome": "succeeded", "quantity": unit.pieces, "note": "New labels on every piece."}
        self.operator.must("report a result", f"{job}/result", {"revision": self._revision(job), **result})
        self.owner.must("accept a result", f"{job}/verdict", {"revision": self._revision(job), "accept": True})

    def _follow_up(self, unit: Unit) -> str:
        """The work order or job that a unit went on as."""
        decisions = self.operator.get("read a unit", f"/returns/units/{unit.code}")["decisions"]
        return str(decisions[0]["follow_up_id"])

    def _revision(self, job: str) -> int:
        return int(self.operator.get("read a job", job)["revision"])

    def send_home(self) -> None:
        """Collect everything that goes home into one batch, pack it, let it leave, and confirm that it arrived."""
        listed = self.owner.rows("list what waits", "/returns/units", queue="carry-out", disposition="SEND_HOME")
        codes = [row["code"] for row in listed]
        plan = {
            "warehouse": self.warehouse,
            "cause": "return",
            "home_area": HOME_AREA,
            "planned_on": (datetime.now(UTC) + timedelta(days=30)).date().isoformat(),
        }
        batch = f"/returns/batches/{self.owner.must('open a batch', '/returns/batches', plan)['id']}"
        filled = self.owner.must("fill a batch", f"{batch}/lines", {"units": codes, "taxed_agreed": True})
        self.owner.must("ready a batch", f"{batch}/ready", {})
        counted = [{"line_no": line["line_no"], "quantity": line["quantity"]} for line in filled["lines"]]
        self.operator.must("pack a batch", f"{batch}/pack", {"lines": counted})
        self.operator.must("send a batch", f"{batch}/dispatch", {"carrier": "COSCO", "transport_no": "B/L 2011"})
        self.owner.must("confirm an arrival", f"{batch}/arrival", {"lines": counted})

    # --------------------------------------------------------------------------------------------------------- the end

    def faults(self, invoices: dict[str, list[Row]]) -> list[str]:
        """Every row that is neither processed to its end nor refused, and everything that is still open."""
        found: list[str] = []
        booked: Counter[str] = Counter()
        done: Counter[str] = Counter()
        for back in self.returns:
            told = self.owner.get("read a return", f"/returns/{back.id}")
            if told["stage"] != ("closed" if back.units else "cancelled"):
                found.append(f"return {back.number} of {back.invoice} is {told['stage']}")
            for line in told["lines"]:
                booked[line["note"]] += line["quantity"]
                done[line["note"]] += line["disposed"]
        for row in (row for rows in invoices.values() for row in rows):
            if booked[row.note] not in (row.pieces, 0):
                found.append(f"{row.note} of {row.invoice}: {booked[row.note]} of {row.pieces} pieces are booked")
            if done[row.note] != (0 if row.number in self.refused else row.pieces):
                found.append(f"{row.note} of {row.invoice}: {done[row.note]} of {row.pieces} pieces are processed")
        for step, path, asked in (
            ("jobs", "/services/jobs", {"stage": "open"}),
            ("work orders", "/repairs", {"state": "open"}),
            ("returns", "/returns", {"stage": "open"}),
        ):
            found += [
                f"{step} still open: {row['number']}" for row in self.owner.rows("list what is open", path, **asked)
            ]
        return found


def _lines_of(row: Row) -> list[dict[str, Any]]:
    """The lines that a row is booked by."""
    own = {"item": row.item, "note": row.note}
    if not row.orders:
        return [{**own, "basis": "paper", "quantity": row.pieces}]
    return [{**own, "order": order, "quantity": pieces} for order, pieces in row.orders]


def _questions_of(lists: dict[str, Any], item_class: str) -> dict[str, list[dict[str, Any]]]:
    """The possible answers to each question that is asked of a class of goods, the best first."""
    return {name: lists["questions"][name]["answers"] for name in lists["classes"][item_class]["questions"]}


def _answers_for(grade: str, questions: dict[str, list[dict[str, Any]]]) -> dict[str, str]:
    """Answers with which a grade is the best that is possible: one question says so, the others are answered well."""
    given = {name: answers[0]["id"] for name, answers in questions.items()}
    for name, answers in questions.items():
        for answer in answers:
            if answer["best"] == grade != "A":
                return {**given, name: answer["id"]}
    return given


def _by_fate(units: Sequence[Unit]) -> dict[str, list[str]]:
    codes: dict[str, list[str]] = defaultdict(list)
    for unit in units:
        codes[unit.fate].append(unit.code)
    return codes


def _deed(fate: str, photo: str) -> dict[str, Any]:
    """How a fate is carried out."""
    if fate in ("RESTOCK", "SECOND"):
        return {"location": BINS[fate]}
    if fate in ("SCRAP", "DONATE"):
        return {"method": "Shredded" if fate == "SCRAP" else "Given to a school", "witness": "Clerk", "photos": [photo]}
    return {}


def _in_days(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()
