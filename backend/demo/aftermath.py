"""What came back to the demo network's warehouses and what becomes of it: a return in every stage, repairs, services.

Everything is done by the people who would do it and carries a request key, so that an interrupted build is completed.
Returns happen on the day of the build; the half year before them is season.py.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw

from backend.access.rules import Viewer
from backend.charges import actions as charges
from backend.charges.rules import UNITS, PriceExists
from backend.core import clock
from backend.core.database import DB
from backend.core.errors import Conflict, Invalid
from backend.files import actions as files
from backend.messages import actions as messages
from backend.repairs import actions as repairs
from backend.repairs import quoting
from backend.returns import (
    actions,
    carrying_out,
    changes,
    checklists,
    desks,
    dispositions,
    grading,
    parcels,
    queries,
    receiving,
    routing,
    rules,
    standing,
    terms,
)
from backend.returns.booking import Booking, Buyer, Line, Parcel
from backend.returns.carrying_out import Deed
from backend.returns.grading import Look
from backend.stock import listings
from backend.stock import queries as stock_queries
from backend.value_added import actions as services
from backend.value_added import offering
from backend.value_added import queries as services_queries
from backend.value_added.rules import KIND_NAMES, Kind

Person = Callable[[str], Awaitable[Viewer]]
# How far each return of a warehouse has come, in the order of its latest sales.
STORIES = (
    *("booked", "overdue", "arrived", "to grade", "to decide", "disputed", "looked at again", "decided", "restocked"),
    *("second grade", "scrapped", "repaired", "relabelled", "to send home", "cancelled"),
)
_GRADES: Mapping[str, str] = {
    "disputed": "C",
    "looked at again": "B",
    "second grade": "B",
    "scrapped": "D",
    "repaired": "C",
}
_DECISIONS: Mapping[str, str] = {
    "decided": "RESTOCK",
    "restocked": "RESTOCK",
    "second grade": "SECOND",
    "scrapped": "SCRAP",
    "repaired": "REPAIR",
    "relabelled": "RELABEL",
    "to send home": "SEND_HOME",
}
_REASONS = ("defective", "changed_mind", "not_as_described", "wrong_item")
_CURRENCIES = {"DE": "EUR", "AE": "AED", "TH": "THB"}


class Case:
    """A warehouse with the people who handle its returns. `words` are what they write, in the language they work in."""

    def __init__(
        self, code: str, country: str, manager: Viewer, clerk: Viewer, today: datetime, words: Mapping[str, str]
    ) -> None:
        self.code, self.country = code, country
        self.manager, self.clerk = manager, clerk
        self.today, self.words = today, words
        self.currency = _CURRENCIES.get(country, "EUR")

    def key(self, *parts: object) -> str:
        """The request key of a step."""
        return "-".join(map(str, ("demo", self.code, *parts)))

    async def open_for_business(self) -> None:
        """The returns desk, its prices and the services on offer."""
        with suppress(Conflict):
            await desks.keep_desk(
                self.manager,
                self.code,
                desks.Desk(
                    kinds=list(rules.Kind), capabilities=[each.value for each in routing.Capability], daily_units=120
                ),
            )
        for number, activity in enumerate(UNITS):
            given = {"warehouse": self.code, "activity": activity.value, "amount": f"{1 + number * Decimal('0.75')}"}
            with suppress(PriceExists):
                await charges.set_price(
                    self.manager, {**given, "currency": self.currency, "valid_from": f"{self.today.date():%Y}-01-01"}
                )
        async with DB.transaction():
            there = await services_queries.OFFERS.page(
                services_queries.offer_clauses(self.manager, {"warehouse": self.code}), limit=1
            )
            if not there.rows:
                for number, kind in enumerate(Kind):
                    await offering.create_offer(self.manager, self._offer(kind, number))

    def _offer(self, kind: Kind, number: int) -> dict[str, str]:
        names = {f"name_{language}": name for language, name in OFFERS[kind].items()}
        return {
            **names,
            "warehouse": self.code,
            "kind": kind.value,
            "price": str(40 + 15 * number),
            "currency": self.currency,
            "unit": "job",
            "lead_days": str(2 + number),
            "documents": "",
        }

    async def photo(self, viewer: Viewer, text: str) -> str:
        """A picture of a carton with a label, as a camera would bring it."""
        picture = Image.new("RGB", (640, 480), "#d9d2c4")
        pen = ImageDraw.Draw(picture)
        pen.rectangle((110, 90, 530, 400), fill="#b98f5f", outline="#7d5f3c", width=6)
        pen.rectangle((250, 180, 470, 270), fill="#ffffff", outline="#333333", width=2)
        pen.text((262, 215), text, fill="#111111")
        buffer = BytesIO()
        picture.save(buffer, "JPEG", quality=80)
        (digest,) = await files.take_in(viewer, [(f"{text}.jpg", buffer.getvalue())])
        return digest

    async def sales(self) -> list[Mapping[str, Any]]:
        """The latest sales of the warehouse, one line of each order."""
        clauses = await stock_queries.movement_clauses(self.manager, {"warehouse": self.code, "reason": "SALE"})
        page = await listings.MOVEMENTS.page(clauses, limit=200)
        found: dict[str, Mapping[str, Any]] = {}
        for row in page.rows:
            found.setdefault(row["reference"], row)
        return list(found.values())[: len(STORIES)]

    async def tell(self, number: int, story: str, sale: Mapping[str, Any], owner: Viewer) -> None:
        """Take one return as far as its story goes."""
        expected = self.today.date() + timedelta(days=-1 if story == "overdue" else 6 + number)
        booked = await actions.book(
            owner,
            Booking(
                warehouse=self.code,
                kind="buyer",
                reason=_REASONS[number % len(_REASONS)],
                lines=[Line(item=sale["item"], quantity=1, order=sale["reference"])],
                parcels=[Parcel(tracking_no=f"{self.code[:3]}{number:02}7702{number:03}", carrier="DHL")],
                buyer=Buyer(country=self.country),
                reference=f"CASE-{self.code[:3]}-{number:03}",
                expected_on=expected,
            ),
            request_key=self.key(number, "book"),
        )
        if story == "cancelled":
            head = await queries.rma(owner, booked.id)
            if head["stage"] == "booked":
                await changes.cancel(owner, booked.id, head["revision"], self.words["cancelled"])
            return
        if story in ("booked", "overdue"):
            return
        if story == "arrived":
            await receiving.arrive(self.clerk, self.code, booked.number)
            return
        units = (
            await receiving.receive_all(self.clerk, self.code, booked.number, request_key=self.key(number, "receive"))
        ).units
        if story == "to grade":
            return
        await self._grade(number, story, units)
        if story == "disputed" or story == "looked at again":
            await self._dispute(number, story, booked, units, owner)
        elif kind := _DECISIONS.get(story):
            await dispositions.decide(owner, units, kind=kind, request_key=self.key(number, "decide"))
            if story not in ("decided", "to send home"):
                await self._carry_out(number, kind, units)

    async def _look(self, viewer: Viewer, units: Sequence[str], grade: str, note: str = "") -> Look:
        (unit,) = await standing.units(units[:1])
        item_class = checklists.class_of(unit.hs_code)
        checklist = checklists.edition().checklist(item_class)
        answers = {name: question.answers[0].id for name, question in checklist.items()}
        flaw = next(((n, a.id) for n, q in checklist.items() for a in q.answers if a.best == grade), None)
        if flaw and grade != "A":
            answers[flaw[0]] = flaw[1]
        wanted = checklists.edition().classes[item_class].photos
        photos = [await self.photo(viewer, f"{unit.code} {turn + 1}") for turn in range(wanted)]
        return Look(units=list(units), answers=answers, grade=grade, photos=photos, note=note)

    async def _grade(self, number: int, story: str, units: Sequence[str]) -> None:
        look = await self._look(self.clerk, units, _GRADES.get(story, "A"))
        await grading.grade(self.clerk, look, request_key=self.key(number, "grade"))

    async def _dispute(
        self, number: int, story: str, booked: actions.Booked, units: Sequence[str], owner: Viewer
    ) -> None:
        """The owner doubts the grade; in one story somebody else looks again and comes to another."""
        (unit,) = await standing.units(units[:1])
        if unit.turn == 1 and unit.regrade == "none":
            await grading.ask_regrade(owner, units, note=self.words["doubt"])
        for viewer, word in ((owner, "doubt"), (self.manager, "answer")):
            await messages.write(
                viewer,
                warehouse_id=booked.warehouse_id,
                owner_id=owner.organisation_id,
                subject="return",
                subject_id=booked.id,
                number=booked.number,
                body=self.words[word] if viewer is self.manager else WORDS["zh_CN"][word],
                request_key=self.key(number, word),
            )
        if story == "looked at again":
            look = await self._look(self.manager, units, "A")
            await grading.grade(self.manager, look, request_key=self.key(number, "again"))

    async def _carry_out(self, number: int, kind: str, units: Sequence[str]) -> None:
        deed = Deed()
        if kind in ("RESTOCK", "SECOND"):
            deed = Deed(location="A-01-1")
        elif kind == "SCRAP":
            deed = Deed(method=self.words["crushed"], photos=[await self.photo(self.clerk, f"{units[0]} X")])
        await carrying_out.carry_out(self.clerk, units, deed, request_key=self.key(number, "carry"))
        if kind == "REPAIR":
            (unit,) = await standing.units(units[:1])
            assert unit.follow_up_id is not None
            with suppress(Conflict):
                await repairs.diagnose(
                    self.clerk,
                    unit.follow_up_id,
                    codes=["WORKMANSHIP"],
                    repairable=True,
                    note="",
                    request_key=self.key(number, "diagnose"),
                )
                await quoting.quote(
                    self.manager,
                    unit.follow_up_id,
                    parts=[],
                    minutes=45,
                    rate=Decimal(48),
                    currency=self.currency,
                    expires_at=self.today + timedelta(days=7),
                    note="",
                    request_key=self.key(number, "quote"),
                )

    async def unannounced(self) -> None:
        """A parcel that nobody announced."""
        found = parcels.Found(tracking_no=f"{self.code[:3]}0000481", carrier="GLS", contents=self.words["parcel"])
        await parcels.record(self.clerk, self.code, found, request_key=self.key("parcel"))

    async def service(self, owner: Viewer) -> None:
        """An exporter asks for campaigns."""
        clauses = services_queries.offer_clauses(owner, {"warehouse": self.code, "kind": Kind.MARKETING.value})
        for row in (await services_queries.OFFERS.page(clauses, limit=1)).rows:
            wish = services.Wish(offer_id=row["id"], quantity=Decimal(1), text=WORDS["zh_CN"]["campaign"])
            await services.request(owner, wish, request_key=self.key("campaign"))


async def agree_terms(owner: Viewer) -> None:
    """What an exporter agrees beforehand."""
    await terms.agree(owner, "10", {"A": "RESTOCK", "B": "SECOND", "C": "SCRAP", "D": "SCRAP"})


async def happen(case: Case, owner_of: Callable[[str], Awaitable[Viewer]]) -> None:
    """Everything that happens in a warehouse."""
    await case.open_for_business()
    if clock.now() > case.today + timedelta(days=2):
        return  # a build completed days later keeps what was begun and begins nothing of the past
    sales = await case.sales()
    for number, (story, sale) in enumerate(zip(STORIES, sales, strict=False)):
        owner = await owner_of(sale["owner"])
        with suppress(Invalid):
            await case.tell(number, story, sale, owner)
    await case.unannounced()
    if sales:
        await case.service(await owner_of(sales[0]["owner"]))


OFFERS: Mapping[Kind, Mapping[str, str]] = {
    Kind.FORWARDING: {
        "zh": "海运拼箱与到门派送",
        "en": "Sea freight, groupage to the door",
        "ar": "شحن بحري مجمّع حتى الباب",
    },
    Kind.CUSTOMS: {
        "zh": "进口清关与税务代理",
        "en": "Import clearance and fiscal agency",
        "ar": "تخليص الاستيراد والوكالة الضريبية",
    },
    Kind.MARKETING: {"zh": "展厅陈列与本地推广", "en": "Showroom and local campaigns", "ar": "صالة عرض وحملات محلية"},
    Kind.RETURNS: {"zh": "退换货处理", "en": "Returns and exchanges", "ar": "معالجة المرتجعات والاستبدال"},
    Kind.REPAIR: {"zh": "售后维修", "en": "After-sales repair", "ar": "إصلاح ما بعد البيع"},
    Kind.PROCESSING: {
        "zh": "组套、换标与重新包装",
        "en": "Kits, labels and new boxes",
        "ar": "تجميع ووسم وإعادة تعبئة",
    },
    Kind.FINANCE: {
        "zh": "仓单质押与货物保险对接",
        "en": "Stock finance and cargo cover",
        "ar": "تمويل المخزون والتأمين على البضائع",
    },
}
assert set(OFFERS) == set(KIND_NAMES)

WORDS: Mapping[str, Mapping[str, str]] = {
    "zh_CN": {
        "doubt": "照片上只看到外箱压痕，请换一位同事重新检验产品本身。",
        "answer": "已安排另一位同事复检。",
        "cancelled": "买家决定留下商品",
        "crushed": "压碎后交由回收商处理",
        "parcel": "一个灰色纸箱，无寄件人信息",
        "campaign": "计划于下月在展厅陈列三款新品，并投放两周本地广告。",
    },
    "en": {
        "doubt": "The photos show a dented carton only. Please have somebody else look at the product itself.",
        "answer": "A colleague looks at it again today.",
        "cancelled": "The buyer keeps the goods",
        "crushed": "Crushed and handed to the recycler",
        "parcel": "A grey carton without a sender",
    },
    "ar": {
        "doubt": "تظهر الصور انبعاجًا في الكرتون فقط. نرجو أن يفحص شخص آخر المنتج نفسه.",
        "answer": "سيعيد أحد الزملاء فحصها اليوم.",
        "cancelled": "قرر المشتري الاحتفاظ بالبضاعة",
        "crushed": "سُحقت وسُلّمت إلى جهة إعادة التدوير",
        "parcel": "كرتون رمادي بلا مرسل",
    },
}
