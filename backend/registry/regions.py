"""Countries and regions as the policy groups them. Data; what a country is called is CLDR's (frontend/render.py)."""

from collections.abc import Mapping
from enum import StrEnum

from backend.core.text import N_


class Region(StrEnum):
    """The policy's priority regions; a country may lie in several."""

    ASEAN = "asean"
    EU = "eu"
    BELT_AND_ROAD = "belt_and_road"
    OTHER = "other"


REGION_NAMES: Mapping[Region, str] = {
    Region.ASEAN: N_("ASEAN"),
    Region.EU: N_("European Union"),
    Region.BELT_AND_ROAD: N_("Belt and Road"),
    Region.OTHER: N_("Other regions"),
}

# ISO 3166-1 alpha-2, every assigned code.
_COUNTRIES = """AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC
    CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE
    GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM
    KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ
    NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH
    SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG
    VI VN VU WF WS YE YT ZA ZM ZW"""
COUNTRIES = frozenset(_COUNTRIES.split())
_ASEAN = "BN ID KH LA MM MY PH SG TH TL VN"
_EU = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
# States with a signed Belt and Road cooperation document, written down by hand; the Belt and Road Portal (yidaiyilu.gov.cn)
# keeps the authoritative list, against which the committee has to check this one.
_BELT_AND_ROAD = """AE AF AG AL AM AO AR AT AZ BA BB BD BF BG BH BI BJ BN BO BW BY CD CF CG CI CK CL CM CO CR CU CV CY CZ DJ
    DM DO DZ EC EE EG ER ET FJ FM GA GD GE GH GM GN GQ GR GW GY HN HR HU ID IQ IR JM JO KE KG KH KI KM KR KW KZ LA LB LK LR
    LS LT LU LV LY MA MD ME MG MK ML MM MN MR MT MV MW MY MZ NA NE NG NI NP NR NU NZ OM PE PG PH PK PL PS PT QA RO RS RU RW
    SA SB SC SD SG SI SK SL SN SO SR SS ST SV SY TD TG TH TJ TL TM TN TO TR TT TZ UA UG UY UZ VE VN VU WS YE ZA ZM ZW"""
REGIONS: Mapping[Region, frozenset[str]] = {
    Region.ASEAN: frozenset(_ASEAN.split()),
    Region.EU: frozenset(_EU.split()),
    Region.BELT_AND_ROAD: frozenset(_BELT_AND_ROAD.split()),
    Region.OTHER: COUNTRIES.difference(_ASEAN.split(), _EU.split(), _BELT_AND_ROAD.split()),
}


def regions_of(country: str) -> list[Region]:
    """The priority regions a country lies in, or the one for all others."""
    return [region for region, countries in REGIONS.items() if country in countries]
