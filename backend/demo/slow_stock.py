"""Goods of the demo network that have lain abroad for months, so that their legal clocks run out soon."""

from datetime import UTC, date, datetime, time, timedelta

import msgspec

from backend.core import clock, values
from backend.core.database import DB
from backend.demo.cast import Cast
from backend.regulations import actions as regulations
from backend.regulations.windows import months_after
from backend.stock import actions as stock
from backend.stock.codes import Request

# 公告2026年第16号: back within six months of export, free of duty and tax.
_TAX_FREE_MONTHS = 6
_ON_THE_WAY_DAYS = 36


class Consignment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Pieces by item that an exporter sent on one declaration: its tax-free return ends in `ends_in` days."""

    warehouse: str
    owner: str
    code: str
    ends_in: int
    location: str
    declaration: str
    goods: dict[str, int]


async def arrive(cast: Cast, consignment: Consignment) -> None:
    """Goods were sent and came in months ago, and nobody has bought them since."""
    manager, clerk = cast.manager(consignment.owner), cast.clerk(cast.operator(consignment.warehouse))
    exported_on, _ = months_after(cast.day(consignment.ends_in), -_TAX_FREE_MONTHS)
    declaration_no = f"4602{exported_on.year}0{consignment.declaration}"
    lines = [
        Request(consignment.owner, item, consignment.code, "SUPPLIER", consignment.location, "GOOD", "GOOD", pieces)
        for item, pieces in consignment.goods.items()
    ]
    arrived_at = datetime.combine(exported_on + timedelta(days=_ON_THE_WAY_DAYS), time(10), UTC)
    async with DB.transaction():
        for number, item in enumerate(consignment.goods, 1):
            await stock.register_lot(
                manager,
                owner=consignment.owner,
                item=item,
                code=consignment.code,
                declaration_no=declaration_no,
                declaration_line=number,
                supervision_code="9810",
                exported_on=exported_on,
            )
            stated = _stated(exported_on)
            await regulations.state_declaration_facts(manager, declaration_no, number, 0, stated)
        with clock.at(arrived_at):
            await stock.post_document(
                clerk,
                consignment.warehouse,
                "RECEIPT",
                lines,
                request_key=f"demo-{consignment.code}",
                request_hash=values.digest(consignment),
                occurred_at=arrived_at,
                reference=f"ASN-{consignment.warehouse[:3]}-{consignment.code}",
            )


def _stated(exported_on: date) -> dict[str, str]:
    return {"released_on": str(exported_on - timedelta(days=1)), "is_food": "no", "refund_taken": "no"}
