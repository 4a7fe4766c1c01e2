"""Contents for printed documents: long names, mixed scripts, more lines than a page holds."""

import io
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from typing import Any

import msgspec
from PIL import Image, ImageDraw

from frontend.photographs import Photograph
from frontend.repairs import pdf as repairs_pdf
from frontend.returns import pdf as returns_pdf
from frontend.value_added import pdf as value_added_pdf

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ZONE = "Asia/Almaty"
BEARING = {
    "en": "Deep groove ball bearing 6204-2RS, sealed on both sides, for motorcycles and machine tools of every kind",
    "zh_CN": "深沟球轴承 6204-2RS 双面密封，适用于各类摩托车及机床设备的高精度低噪音长寿命免维护型号",
    "ar": "محمل كريات عميق الأخدود 6204-2RS مختوم من الجانبين للدراجات النارية وآلات التشغيل بجميع أنواعها",
}
REMARK = {
    "en": "The outer ring is scratched, and there is rust near the cage.",
    "zh_CN": "外圈有划痕，保持架附近有锈迹。",
    "ar": "الحلقة الخارجية مخدوشة وهناك صدأ قرب القفص.",
}
OWNER = "洛阳轴承科技股份有限公司 (Luoyang Bearing Science & Technology Co., Ltd.)"
GRADER = "Ayşe Yılmaz"
SENDER = ("Nguyễn Thị Ánh Tuyết", "Улица Мира 5", "10115 Berlin")


@lru_cache(maxsize=64)
def jpeg(number: int, width: int = 800, height: int = 600) -> bytes:
    """A picture that is different for each number."""
    image = Image.new("RGB", (width, height), ((number * 53) % 200 + 40, (number * 91) % 200 + 40, 90))
    ImageDraw.Draw(image).ellipse((50, 50, width - 50, height - 50), outline="white", width=9)
    file = io.BytesIO()
    image.save(file, "JPEG")
    return file.getvalue()


def photo(number: int, **other: Any) -> Photograph:
    """A stored picture."""
    content = jpeg(number)
    made = Photograph(
        name=f"IMG_{number:04}.jpg",
        sha256=sha256(content).hexdigest(),
        size=len(content),
        stored_at=NOON + timedelta(minutes=number),
        content=content,
    )
    return msgspec.structs.replace(made, **other)


def unit(language: str, number: int, photos: int = 4) -> returns_pdf.EvidenceUnit:
    """A graded unit."""
    return returns_pdf.EvidenceUnit(
        code=f"R7K2M9P4XQ8ZU{number}",
        item_code="6204-2RS",
        item_name=BEARING[language],
        quantity=1,
        received_at=NOON,
        lot="L2026-07",
        serial=f"SN-88{number:04}",
        grade="B",
        grader=GRADER,
        graded_at=NOON + timedelta(hours=3),
        edition="Luocang 2026-1",
        answers=[returns_pdf.Answer(question=BEARING[language], answer=REMARK[language]) for _ in range(3)],
        note=REMARK[language],
        disposition="Send home to China",
        photos=[photo(number * 10 + at) for at in range(photos)],
    )


def evidence(language: str, units: int = 3, events: int = 64, **other: Any) -> returns_pdf.EvidencePack:
    """All about one return."""
    made = returns_pdf.EvidencePack(
        number="R7K2M9P4XQ8Z",
        url="https://luocang.example/returns/R7K2M9P4XQ8Z",
        made_at=NOON + timedelta(days=3),
        zone=ZONE,
        warehouse="Алматы Хаб",
        warehouse_code="KZ-ALA-01",
        operator="Sternhafen Logistik GmbH",
        owner=OWNER,
        kind="Buyer return",
        stage="To be decided",
        booked_at=NOON - timedelta(days=5),
        reason=REMARK[language],
        reference="ORDER-2026-118822",
        country="KZ",
        sender=SENDER,
        timeline=[
            returns_pdf.Happening(
                at=NOON + timedelta(hours=at), sentence="Received", who=f"{GRADER} {at:03}", note=REMARK[language]
            )
            for at in range(events)
        ],
        units=[unit(language, number) for number in range(1, units + 1)],
    )
    return msgspec.structs.replace(made, **other)


CLOCKS = (
    ("Tax-free return", "Over", date(2026, 3, 2), date(2026, 9, 2), -82, "RET-TAX-6M"),
    ("Customs route for returns", "Running", date(2026, 3, 2), date(2027, 3, 2), 99, "RET-CUS-1Y"),
    ("Accounting for the pre-refund", "Running", date(2026, 6, 1), date(2027, 4, 30), 158, "VAT-HWC-WINDOW"),
    ("Evidence of sale", "Not started", None, None, None, "VAT-DOC-15D"),
    ("Filing of refund or exemption", "Running", date(2026, 3, 2), date(2029, 3, 2), 1195, "VAT-36M"),
)


def home_line(language: str, number: int, goods: int) -> returns_pdf.HomeLine:
    """A declaration line with its clocks."""
    return returns_pdf.HomeLine(
        declaration_no="460420260001234567",
        declaration_line=number,
        supervision_code="9810",
        exported_on=date(2026, 3, 2),
        released_on=date(2026, 3, 1),
        goods=[
            returns_pdf.HomeGoods(
                item_code=f"6204-2RS/{number}-{at:03}",
                item_name=BEARING[language],
                quantity=at,
                condition="Good",
                lot="L2026-07",
                units=[f"R7K2M9P4XQ8ZU{at}"],
            )
            for at in range(1, goods + 1)
        ],
        clocks=[
            returns_pdf.Clock(
                name=name,
                state=state,
                starts_on=first,
                ends_on=last,
                remaining_days=days,
                rule=rule,
                is_over=days == -82,
            )
            for name, state, first, last, days, rule in CLOCKS
        ],
        eligibility=[
            returns_pdf.Eligibility(
                question="Tax-free return",
                answer="Refused",
                because=REMARK[language],
                rule="RET-TAX-6M",
                source="财政部 海关总署 税务总局公告2026年第16号",
                needs_person=True,
            )
        ],
    )


def going_home(language: str, lines: int = 3, goods: int = 22, **other: Any) -> returns_pdf.SendHomePack:
    """A batch for China."""
    made = returns_pdf.SendHomePack(
        number="H7K2M9P4XQ8Z",
        url="https://luocang.example/returns/batches/H7K2M9P4XQ8Z",
        made_at=NOON,
        zone=ZONE,
        warehouse="Алматы Хаб",
        warehouse_code="KZ-ALA-01",
        operator="Sternhafen Logistik GmbH",
        owner=OWNER,
        owner_code="LYBEAR",
        home_area="4604 洛阳海关",
        cause="Unsold goods",
        is_unsold=True,
        planned_on=date(2026, 12, 20),
        carrier="COSCO",
        transport_no="COSU6299884410",
        statement=REMARK[language],
        lines=[home_line(language, number, goods) for number in range(1, lines + 1)],
    )
    return msgspec.structs.replace(made, **other)


def destruction(language: str, goods: int = 64, **other: Any) -> returns_pdf.DestructionRecord:
    """Goods that were shredded."""
    made = returns_pdf.DestructionRecord(
        number="D7K2M9P4XQ8Z",
        url="https://luocang.example/returns/destructions/D7K2M9P4XQ8Z",
        made_at=NOON,
        zone=ZONE,
        warehouse="Алматы Хаб",
        warehouse_code="KZ-ALA-01",
        operator="Sternhafen Logistik GmbH",
        owner=OWNER,
        donated=False,
        method=REMARK[language],
        destroyed_at=NOON,
        goods=[
            returns_pdf.DestroyedGoods(
                item_code=f"6204-2RS/{at:03}",
                item_name=BEARING[language],
                quantity=at,
                unit=f"R7K2M9P4XQ8ZU{at}",
                serial=f"SN-88{at:04}",
                grade="D",
                decided_as="Decided",
            )
            for at in range(1, goods + 1)
        ],
        witness="Владимир Ёлкин",
        place="Recyclinghof Billbrook",
        recorded_by=GRADER,
        document="0198f2c4-7e1b-7c3a-9f10-22aa33bb44cc",
        photos=[photo(number) for number in range(4)],
    )
    return msgspec.structs.replace(made, **other)


def inventory(language: str, lines: int = 64, **other: Any) -> value_added_pdf.InventoryStatement:
    """What a bank wants to know."""
    made = value_added_pdf.InventoryStatement(
        number="S7K2M9P4XQ8Z",
        url="https://luocang.example/value-added/statements/S7K2M9P4XQ8Z",
        made_at=NOON + timedelta(hours=2),
        as_at=NOON,
        zone=ZONE,
        warehouse="Алматы Хаб",
        warehouse_code="KZ-ALA-01",
        address=["проспект Райымбека 348", "050000 Алматы"],
        operator="Sternhafen Logistik GmbH",
        owner=OWNER,
        owner_code="LYBEAR",
        lines=[
            value_added_pdf.InventoryLine(
                item_code=f"6204-2RS/{at:03}",
                item_name=BEARING[language],
                on_hand=1000 * at,
                lot=f"L2026-{at:02}",
                condition="Good",
                held=100 + at,
                pledged=at,
            )
            for at in range(1, lines + 1)
        ],
        addressee="洛阳银行",
        purpose=REMARK[language],
        reference="PLEDGE-2026-77",
        last_movement="0198f2c4-7e1b-7c3a-9f10-22aa33bb44cc",
    )
    return msgspec.structs.replace(made, **other)


def work_order(language: str, lines: int = 64, **other: Any) -> repairs_pdf.WorkOrderSheet:
    """A repair from fault to result."""
    made = repairs_pdf.WorkOrderSheet(
        number="W7K2M9P4XQ8Z",
        url="https://luocang.example/repairs/W7K2M9P4XQ8Z",
        made_at=NOON,
        zone=ZONE,
        warehouse="Алматы Хаб",
        warehouse_code="KZ-ALA-01",
        operator="Sternhafen Logistik GmbH",
        owner=OWNER,
        unit="R7K2M9P4XQ8ZU1",
        item_code="6204-2RS",
        item_name=BEARING[language],
        stage="Closed",
        opened_at=NOON,
        fault=REMARK[language],
        serial="SN-880001",
        rma="R7K2M9P4XQ8Z",
        place="WORKSHOP",
        due_at=NOON + timedelta(days=10),
        technician=GRADER,
        diagnosis=BEARING[language],
        currency="EUR",
        quote=[
            repairs_pdf.QuoteLine(
                kind="part" if at % 2 else "labour",
                words=BEARING[language],
                quantity=Decimal("1.5"),
                price=Decimal(at),
                code=f"PART-{at:03}",
            )
            for at in range(1, lines + 1)
        ],
        quote_state="Decided",
        decided_by="李喆",
        decided_at=NOON + timedelta(days=1),
        result=repairs_pdf.Result(
            outcome="Repair",
            finished_at=NOON + timedelta(days=4),
            finished_by=GRADER,
            tests=["31 dB, 3,000 rpm"],
            note=REMARK[language],
            warranty_until=date(2027, 5, 20),
        ),
        photos=[photo(1), photo(2)],
    )
    return msgspec.structs.replace(made, **other)


DOCUMENTS: dict[str, Callable[[str], bytes]] = {
    "evidence pack": lambda language: returns_pdf.evidence_pack(evidence(language), language),
    "send-home pack": lambda language: returns_pdf.send_home_pack(going_home(language), language),
    "destruction record": lambda language: returns_pdf.destruction_record(destruction(language), language),
    "inventory statement": lambda language: value_added_pdf.inventory_statement(inventory(language), language),
    "work order sheet": lambda language: repairs_pdf.work_order_sheet(work_order(language), language),
}


@lru_cache(maxsize=32)
def document(name: str, language: str) -> bytes:
    """One of `DOCUMENTS`, made once."""
    return DOCUMENTS[name](language)
