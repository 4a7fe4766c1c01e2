"""What is wrong with a JSON body that is not of the shape it should be: every field at once, in our words."""

import json
import math
import types
import uuid
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Union, get_args, get_origin

import msgspec

from backend.core import values
from backend.core.errors import Fault
from backend.core.text import N_

_NOT_JSON = N_("The body is not JSON: %(detail)s.")
_NO_FIELD = N_("There is no field “%(name)s” here. Leave it out; the fields are: %(fields)s.")
_MISSING = N_("The field “%(name)s” is missing.")
_NOT_OBJECT = N_("This must be an object with the fields: %(fields)s.")
_NOT_LIST = N_("This must be a list.")
_NOT_TEXT = N_("“%(value)s” is not a text. Put it in quotation marks.")
_NOT_OF_KIND = {
    str: _NOT_TEXT,
    int: N_("“%(value)s” is not a whole number. Write it without quotation marks, e.g. 3."),
    bool: N_("“%(value)s” is neither true nor false. Write one of them, without quotation marks."),
    Decimal: N_("“%(value)s” is not a number. Write it with a point, e.g. 12.5."),
    datetime: N_("“%(value)s” is not an instant. Write it like 2026-11-23T08:30:00+01:00."),
    date: N_("“%(value)s” is not a day. Write it like 2026-11-23."),
    uuid.UUID: N_("“%(value)s” is not an id. Take it as it stands in the list or answer that names it."),
    dict: N_("This must be an object with a value for each name."),
}
_NO_NUMBER = N_("“%(value)s” is not a number that can be reckoned with. Give an ordinary one.")
_NOT_POSSIBLE = N_("“%(value)s” is not possible here: %(detail)s.")


def faults_of(body: bytes, kind: type[Any]) -> list[Fault]:
    """Why `body` is not a `kind` (a msgspec.Struct)."""
    try:
        given = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        return _number_faults(body, kind) or [Fault("body", "", _NOT_JSON, {"detail": str(error)})]
    return _struct(given, kind, "")


class _NoNumber(str):
    """A number as it was written that nothing can hold, like 1e400 or NaN."""


def _number_faults(body: bytes, kind: type[Any]) -> list[Fault]:
    """The faults of a body that would be JSON but for such numbers."""
    try:
        given = json.loads(body, parse_float=_number, parse_constant=_NoNumber)
    except (ValueError, RecursionError):
        return []
    return _struct(given, kind, "")


def _number(text: str) -> float | _NoNumber:
    return number if math.isfinite(number := float(text)) else _NoNumber(text)


def _struct(given: object, kind: type[Any], path: str) -> list[Fault]:
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    listed = list(fields)
    if not isinstance(given, Mapping):
        return [Fault(path.rstrip(".") or "body", _short(given), _NOT_OBJECT, {"fields": listed})]
    faults = [
        Fault(path + str(name), _short(value), _NO_FIELD, {"name": str(name), "fields": listed})
        for name, value in given.items()
        if name not in fields
    ]
    for name, field in fields.items():
        if name in given:
            faults += _value(given[name], field.type, path + name)
        elif field.required:
            faults.append(Fault(path + name, None, _MISSING, {"name": name}))
    return faults


def _value(given: object, kind: Any, path: str) -> list[Fault]:
    choices = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
    plain = next((each for each in choices if each is not types.NoneType), kind)
    if given is None and types.NoneType in choices:
        return []
    if isinstance(given, _NoNumber):
        return [Fault(path, given[:50], _NO_NUMBER, {"value": given[:50]})]
    if isinstance(plain, type) and issubclass(plain, msgspec.Struct):
        return _struct(given, plain, path + ".")
    if get_origin(plain) is list:
        if not isinstance(given, list):
            return [Fault(path, _short(given), _NOT_LIST)]
        return [fault for n, each in enumerate(given) for fault in _value(each, get_args(plain)[0], f"{path}.{n}")]
    try:
        msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        return [_fault(given, plain, path, error)]
    return []


def _fault(given: object, kind: Any, path: str, error: Exception) -> Fault:
    facts = {"value": _short(given)}
    if kind is int and path.rpartition(".")[2] == "quantity":
        return values.quantity_fault(path, _short(given))
    if sentence := _NOT_OF_KIND.get(get_origin(kind) or kind):
        return Fault(path, _short(given), sentence, facts)
    return Fault(path, _short(given), _NOT_POSSIBLE, {**facts, "detail": str(error)})


def _short(value: object) -> str:
    return value[:50] if isinstance(value, str) else msgspec.json.encode(value).decode()[:50]
