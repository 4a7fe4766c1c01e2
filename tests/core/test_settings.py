"""Settings that are missing or unsafe keep the platform from starting, by name."""

import pytest

from backend.core import settings
from backend.core.settings import SettingError

GOOD = {
    "LUOCANG_DATABASE_URL": "postgresql://db.example/luocang",
    "LUOCANG_SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz",
    "LUOCANG_BASE_URL": "https://luocang.example/",
}


def test_good_settings_are_read() -> None:
    read = settings.for_serving(GOOD)
    assert (read.base_url, read.secure, read.pool_size) == ("https://luocang.example", True, 8)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LUOCANG_DATABASE_URL", ""),
        ("LUOCANG_DATABASE_URL", "mysql://db/luocang"),
        ("LUOCANG_SECRET_KEY", ""),
        ("LUOCANG_SECRET_KEY", "short"),
        ("LUOCANG_SECRET_KEY", "a" * 64),
        ("LUOCANG_BASE_URL", ""),
        ("LUOCANG_BASE_URL", "luocang.example"),
        ("LUOCANG_BASE_URL", "http://luocang.example"),
        ("LUOCANG_POOL_SIZE", "many"),
        ("LUOCANG_POOL_SIZE", "1"),
    ],
)
def test_a_bad_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=name):
        settings.for_serving(GOOD | {name: value})


def test_this_machine_needs_no_https() -> None:
    assert not settings.for_serving(GOOD | {"LUOCANG_BASE_URL": "http://127.0.0.1:8000"}).secure
