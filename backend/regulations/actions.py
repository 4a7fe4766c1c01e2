"""What happens to rules and declaration lines: the committee adds, corrects, ends editions; exporters state facts."""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from backend.access import rules as access_rules
from backend.access.rules import Kind, Right, Viewer
from backend.core import journal, values
from backend.core.database import DB, blocks
from backend.core.errors import Conflict, Fault, Invalid, NotAllowed
from backend.regulations import queries, reading, rulebook, rules, statements, writing
from backend.regulations.editions import UNDATED, Edition, Editions, Status
from backend.stock.rules import SameKeyOtherRequest

SQL = blocks(Path(__file__).with_name("actions.sql"))


async def add_edition(viewer: Viewer, raw: Mapping[str, Any], *, note: str, request_key: str) -> Edition:
    """A new edition of a rule, or of a new rule; refused when it, or the whole set with it, has any mistake."""
    access_rules.require(viewer, Right.KEEP_REGULATIONS)
    faults: list[Fault] = []
    statements.note(note, faults)
    statements.request_key(request_key, faults)
    made = reading.edition(raw, faults)
    if faults or made is None:
        raise Invalid(faults)
    asked = values.digest(["added", writing.raw_of(made), note])
    async with DB.transaction():
        if await _was_kept(viewer, request_key, asked):
            return made
        found = await _in_order()
        if found.edition(made.rule_id, made.name) is not None:
            raise rules.EditionExists(rule=made.rule_id)
        _require_sound([*found, made], made)
        which = (made.rule_id, made.name, await queries.version(made.rule_id, made.name))
        await _keep(viewer, which, "added", made, note, request_key, asked)
    queries.forget()
    return made


async def correct_edition(
    viewer: Viewer, rule_id: str, name: str, version: int, raw: Mapping[str, Any], *, note: str, request_key: str
) -> Edition:
    """Say anew what an edition says: what was checked, a better text, another last day. Its rule and first day stay.

    `version` is what `queries.version` said when the page was opened.
    """
    access_rules.require(viewer, Right.KEEP_REGULATIONS)
    faults: list[Fault] = []
    statements.note(note, faults)
    statements.request_key(request_key, faults)
    kept = {"rule": rule_id, "from": "" if name == UNDATED else name}
    made = reading.edition({**raw, **kept}, faults)
    if faults or made is None:
        raise Invalid(faults)
    asked = values.digest(["corrected", version, writing.raw_of(made), note])
    await _change(viewer, (rule_id, name, version), "corrected", lambda _: made, note, request_key, asked)
    return made


async def end_edition(
    viewer: Viewer, rule_id: str, name: str, version: int, *, ends_on: date | None, note: str, request_key: str
) -> None:
    """End an edition with its last day, or (None) withdraw it: then it never counts."""
    access_rules.require(viewer, Right.KEEP_REGULATIONS)
    faults: list[Fault] = []
    statements.note(note, faults)
    statements.request_key(request_key, faults)
    if faults:
        raise Invalid(faults)

    def ended(before: Edition) -> Edition:
        raw = writing.raw_of(before) | {"to": ends_on, "status": Status.ENDED.value}
        made = reading.edition(raw, faults)
        if made is None:
            raise Invalid(faults)
        return made

    asked = values.digest(["ended", rule_id, name, version, ends_on, note])
    act = "ended" if ends_on else "withdrawn"
    await _change(viewer, (rule_id, name, version), act, ended if ends_on else None, note, request_key, asked)


async def _change(
    viewer: Viewer,
    which: tuple[str, str, int],
    act: str,
    make: Callable[[Edition], Edition] | None,
    note: str,
    request_key: str,
    asked: bytes,
) -> None:
    """Bring the edition `which` (rule, name, version) to what `make` makes of it; without `make` it is withdrawn."""
    rule_id, name, version = which
    async with DB.transaction():
        if await _was_kept(viewer, request_key, asked):
            return
        found = await _in_order()
        before = found.edition(rule_id, name)
        if before is None:
            raise rules.NoSuchRule(rule=rule_id)
        if version != await queries.version(rule_id, name):
            raise rules.EditionChanged
        made = make(before) if make else None
        if made:
            others = [each for each in found if (each.rule_id, each.name) != (rule_id, name)]
            _require_sound([*others, made], made)
        await _keep(viewer, which, act, made, note, request_key, asked, before)
    queries.forget()


async def _in_order() -> Editions:
    """The set as it stands, with nobody else changing it until this transaction ends."""
    await DB.run(SQL["keep_in_order"])
    own, withdrawn = await queries.own_editions()
    return Editions(rulebook.merged(queries.shipped(), own, withdrawn))


def _require_sound(editions: list[Edition], made: Edition) -> None:
    """Refuses a set that contradicts itself; faults of the edition at hand stand beside its fields."""
    faults = rulebook.set_faults(editions)
    if faults:
        own = f"{made.rule_id}/{made.name}."
        raise rulebook.RulesInvalid(
            [
                Fault(
                    field if (field := fault.field.removeprefix(own)) != fault.field else "from",
                    fault.value,
                    fault.sentence,
                    fault.facts,
                )
                for fault in faults
            ]
        )


async def _was_kept(viewer: Viewer, request_key: str, asked: bytes) -> bool:
    before = await DB.row(SQL["kept_before"], viewer.organisation_id, request_key)
    if before is not None and before["request_hash"] != asked:
        raise SameKeyOtherRequest(key=request_key)
    return before is not None


async def _keep(
    viewer: Viewer,
    which: tuple[str, str, int],
    act: str,
    made: Edition | None,
    note: str,
    request_key: str,
    asked: bytes,
    before: Edition | None = None,
) -> None:
    rule_id, name, version = which
    content = writing.raw_of(made) if made else None
    await DB.run(
        SQL["keep"],
        *(rule_id, name, version + 1, act, content, note.strip()),
        *(viewer.user_id, viewer.organisation_id, request_key, asked),
    )
    await journal.write(
        viewer,
        f"rule.{act}",
        "rule",
        f"{rule_id}/{name}",
        before=writing.raw_of(before) if before else None,
        after={"edition": content, "note": note.strip()},
    )


async def state_declaration_facts(
    viewer: Viewer, declaration_no: str, declaration_line: int, revision: int, given: Mapping[str, str]
) -> queries.Line:
    """State anew what the exporter knows of one of its own declaration lines.

    `given` as typed, by the names of `queries.STATED`: days like 2026-11-23, codes of four digits, yes or no; empty is
    not known. `revision` is that of the line when the page was opened.
    """
    access_rules.require(viewer, Right.STATE_DECLARATIONS)
    if viewer.kind is not Kind.EXPORTER:
        raise NotAllowed
    faults: list[Fault] = []
    stated = statements.line_facts(given, faults, queries.today())
    async with DB.transaction():
        before = await queries.line(viewer, declaration_no, declaration_line)
        if faults:
            raise Invalid(faults)
        key = (before.owner_id, before.declaration_no, before.declaration_line)
        if await DB.value(SQL["state"], *key, revision, *(stated[name] for name in queries.STATED)) is None:
            raise Conflict
        await journal.write(
            viewer,
            "declaration.stated",
            "declaration_line",
            f"{before.owner}/{declaration_no}/{declaration_line}",
            before=before.stated,
            after=stated,
        )
        return await queries.line(viewer, declaration_no, declaration_line)
