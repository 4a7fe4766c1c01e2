"""Which warehouse a return should go to. Pure."""

from collections.abc import Mapping
from enum import StrEnum

from backend.core.text import N_


class Capability(StrEnum):
    """What a returns desk can do, or may keep."""

    GRADING = "grading"
    PHOTOS = "photos"
    REPAIR = "repair"
    RELABEL = "relabel"
    SEND_HOME = "send_home"
    BATTERY = "battery"
    BULKY = "bulky"


CAPABILITY_NAMES: Mapping[Capability, str] = {
    Capability.GRADING: N_("Inspection and grading"),
    Capability.PHOTOS: N_("Photos of every piece"),
    Capability.REPAIR: N_("Repair"),
    Capability.RELABEL: N_("Relabelling"),
    Capability.SEND_HOME: N_("Sending home to China"),
    Capability.BATTERY: N_("Goods with batteries"),
    Capability.BULKY: N_("Bulky goods"),
}
