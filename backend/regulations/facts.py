"""The facts that a rule may ask about: one closed list, with the words for each. Pure."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from backend.core.text import N_


class FactKind(StrEnum):
    """What a fact is made of."""

    DATE = "date"
    CODE = "code"
    FLAG = "flag"
    AMOUNT = "amount"


class Fact(msgspec.Struct, frozen=True):
    """One fact. `yes` and `no` are the sentences of a flag."""

    kind: FactKind
    label: str
    yes: str = ""
    no: str = ""


def _flag(label: str, yes: str, no: str) -> Fact:
    return Fact(FactKind.FLAG, label, yes, no)


FACTS: Mapping[str, Fact] = {
    "supervision_code": Fact(FactKind.CODE, N_("Supervision code")),
    "exported_on": Fact(FactKind.DATE, N_("Export date on the declaration")),
    "released_on": Fact(FactKind.DATE, N_("Export release by customs")),
    "left_area_on": Fact(FactKind.DATE, N_("Day the goods left the special area")),
    "settled_on": Fact(FactKind.DATE, N_("Settlement of the refund by the tax office")),
    "sold_on": Fact(FactKind.DATE, N_("Day of sale")),
    "filed_on": Fact(FactKind.DATE, N_("Refund or exemption filed")),
    "accounted_on": Fact(FactKind.DATE, N_("Pre-refund accounted for")),
    "evidence_on": Fact(FactKind.DATE, N_("Evidence of sale on file")),
    "accounting_deadline": Fact(FactKind.DATE, N_("Last day of the pre-refund accounting")),
    "returned_on": Fact(FactKind.DATE, N_("Day of re-entry")),
    "cause": Fact(FactKind.CODE, N_("Cause of the return")),
    "value_cny": Fact(FactKind.AMOUNT, N_("Value of the consignment in yuan")),
    "same_customs_area": _flag(
        N_("Return through the customs district of the export"),
        N_("The goods re-enter through the customs district of their export."),
        N_("The goods re-enter through another customs district than that of their export."),
    ),
    "original_state": _flag(
        N_("Original state"),
        N_("The goods are in their original state."),
        N_("The goods are not in their original state: something was repaired, added or altered."),
    ),
    "is_food": _flag(N_("Food"), N_("The goods are food."), N_("The goods are not food.")),
    "refund_taken": _flag(
        N_("Export refund taken"),
        N_("The export refund (or pre-refund) was taken."),
        N_("No export refund was taken."),
    ),
    "sold_on_platform": _flag(
        N_("Sold on an e-commerce platform"),
        N_("The goods are sold on an e-commerce platform."),
        N_("The goods are not sold on an e-commerce platform."),
    ),
    "needs_licence": _flag(
        N_("Licence, inspection or tax matter"),
        N_("A licence, an inspection or a tax matter concerns the goods."),
        N_("No licence, inspection or tax matter concerns the goods."),
    ),
    "export_taxed": _flag(
        N_("Export duty or refund"),
        N_("Export duty is due, or a refund is claimed."),
        N_("No export duty is due and no refund is claimed."),
    ),
    "pilot_district": _flag(
        N_("Customs districts in the pilot"),
        N_("The customs districts concerned take part in the pilot."),
        N_("Not all customs districts concerned take part in the pilot."),
    ),
    "monitored": _flag(
        N_("Return flow monitored"),
        N_("The firm has a system that monitors the flow of returned goods."),
        N_("The firm has no system that monitors the flow of returned goods."),
    ),
    "identity_assured": _flag(
        N_("Identity of the goods assured"),
        N_("The firm assures that the returned goods are the exported ones."),
        N_("The firm cannot assure that the returned goods are the exported ones."),
    ),
    "supervised_site": _flag(
        N_("Supervised 9610 export site"),
        N_("The goods return to a supervised site with 9610 exports."),
        N_("The goods do not return to a supervised site with 9610 exports."),
    ),
    "own_work_area": _flag(
        N_("Independent work area"),
        N_("The firm has an independent work area."),
        N_("The firm has no independent work area."),
    ),
    "data_open": _flag(
        N_("Data open to customs"),
        N_("The firm's production data are open to customs."),
        N_("The firm's production data are not open to customs."),
    ),
    "sold": _flag(N_("Sold"), N_("The goods are sold."), N_("The goods are not sold yet.")),
    "partly_sold": _flag(
        N_("Partly sold"),
        N_("A part of the line is sold."),
        N_("The line is sold as a whole or not at all."),
    ),
    "accounted": _flag(
        N_("Accounted for"),
        N_("The pre-refund is accounted for."),
        N_("The pre-refund is not accounted for."),
    ),
    "amounts_equal": _flag(
        N_("Amounts equal"),
        N_("The amount due equals the pre-refund."),
        N_("The amount due differs from the pre-refund."),
    ),
    "has_contract": _flag(
        N_("Export contract"),
        N_("There is an export contract."),
        N_("There is no export contract."),
    ),
    "has_voucher": _flag(
        N_("Purchase voucher"),
        N_("There is a lawful purchase voucher."),
        N_("There is no lawful purchase voucher."),
    ),
    "platform_registered": _flag(
        N_("Registered on the zone's platform"),
        N_("The items are entered on the zone's online platform."),
        N_("The items are not entered on the zone's online platform."),
    ),
    "zone_customs": _flag(
        N_("Exported through the zone's customs"),
        N_("The goods left through the customs of the zone."),
        N_("The goods did not leave through the customs of the zone."),
    ),
    "goods_allowed": _flag(
        N_("Goods not excluded"),
        N_("The goods are not on the list of excluded goods."),
        N_("The goods are on the list of excluded goods."),
    ),
    "exemption_enjoyed": _flag(
        N_("Exempt without invoices"),
        N_("The exemption without invoices is enjoyed."),
        N_("The exemption without invoices is not enjoyed."),
    ),
    "revenue_accounted": _flag(
        N_("Revenue accounted for"),
        N_("The revenue is accounted for correctly."),
        N_("The revenue is not accounted for correctly."),
    ),
}

# The yes-or-no facts that no register knows: only a person can answer them.
ANSWERS: tuple[str, ...] = tuple(
    name
    for name, fact in FACTS.items()
    if fact.kind is FactKind.FLAG and name not in ("same_customs_area", "original_state", "is_food", "refund_taken")
)

CAUSES: Mapping[str, str] = {"unsold": N_("Unsold"), "return": N_("Returned by the buyer")}

DOCUMENTS: Mapping[str, str] = {
    "repaid_certificate": N_("Certificate that the refund is repaid or was not taken (出口货物已补税/未退税证明)"),
    "export_declaration": N_("Export declaration or list"),
    "self_statement": N_("The firm's own statement that the goods are unsold"),
    "return_record": N_("The platform's record of the return, or an agreement on it"),
    "stocking_order": N_("Stocking order of the overseas warehouse (海外仓订仓单)"),
    "warehouse_proof": N_("Title, lease or other proof that the warehouse is used"),
    "sales_evidence": N_("Sales vouchers and sales ledgers"),
    "export_records": N_("The export records as a whole"),
}
