"""Charges: what every performed step costs by the price that was agreed for it, so that bills can be made from them.

Decides which price an activity has on a day and that a step is charged once. Owns the words price, activity and charge.
Other rooms say what they performed; what it means is theirs.
"""
