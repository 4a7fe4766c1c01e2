"""What is kept of rules: the committee's own editions, and the exporters' facts about declaration lines."""

from piccolo.columns import JSONB, BigInt, Boolean, Bytea, Date, Integer, Text, Timestamptz
from piccolo.table import Table

from backend.core.database import DB


class RuleEdition(Table, tablename="rule_edition", db=DB):
    """One state of one edition; the highest `version` counts. Added to, never changed."""

    rule_id = Text(primary_key=True, default=None)
    edition = Text(default=None)
    version = Integer(default=None)
    act = Text(default=None)
    content = JSONB(null=True, default=None)
    note = Text(default=None)
    actor_id = BigInt(default=None)
    organisation_id = BigInt(default=None)
    request_key = Text(default=None)
    request_hash = Bytea(default=None)
    recorded_at = Timestamptz(default=None)


class DeclarationFact(Table, tablename="declaration_fact", db=DB):
    """What an exporter states of one declaration line."""

    owner_id = BigInt(primary_key=True, default=None)
    declaration_no = Text(default=None)
    declaration_line = Integer(default=None)
    supervision_code = Text(null=True, default=None)
    exported_on = Date(null=True, default=None)
    released_on = Date(null=True, default=None)
    left_area_on = Date(null=True, default=None)
    settled_on = Date(null=True, default=None)
    sold_on = Date(null=True, default=None)
    filed_on = Date(null=True, default=None)
    accounted_on = Date(null=True, default=None)
    evidence_on = Date(null=True, default=None)
    customs_area = Text(null=True, default=None)
    is_food = Boolean(null=True, default=None)
    refund_taken = Boolean(null=True, default=None)
    revision = Integer(default=None)
    changed_at = Timestamptz(default=None)
