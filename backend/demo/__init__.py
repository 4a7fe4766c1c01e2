"""The demo network: a believable half year of trade, so that a stranger finds a platform that is alive.

Decided here: who is in it (network.toml, goods.csv), what happened in it (season.py, pure), and how it is put through
the actions of access, registry and stock, from the start or from where a build was interrupted (building.py).
"""

from backend.demo.building import PASSWORD, SIGN_INS, build

__all__ = ["PASSWORD", "SIGN_INS", "build"]
