"""The printed papers of returns, all in one place: labels, evidence pack, send-home pack, destruction record.

Each is a pure function of a struct and the reader's language that gives the bytes of a PDF. Who asks for a paper fills
its struct from queries. Fields called message ids are spoken in the language of the paper; all other words are printed
as they come.
"""

from frontend.returns.destruction import DestroyedGoods, DestructionRecord, destruction_record
from frontend.returns.evidence import Answer, EvidencePack, EvidenceUnit, Happening, evidence_pack
from frontend.returns.going_home import Clock, Eligibility, HomeGoods, HomeLine, SendHomePack, send_home_pack
from frontend.returns.labels import LabelItem, ReturnLabel, UnitLabel, return_label, unit_labels

__all__ = [
    "Answer",
    "Clock",
    "DestroyedGoods",
    "DestructionRecord",
    "Eligibility",
    "EvidencePack",
    "EvidenceUnit",
    "Happening",
    "HomeGoods",
    "HomeLine",
    "LabelItem",
    "ReturnLabel",
    "SendHomePack",
    "UnitLabel",
    "destruction_record",
    "evidence_pack",
    "return_label",
    "send_home_pack",
    "unit_labels",
]
