"""The screens of the monitor: the zone in figures, what is due and overdue, and the daily reconciliation."""
