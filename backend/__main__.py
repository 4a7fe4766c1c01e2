"""``python -m backend`` is ``luocang``."""

from backend.cli import main

main()
