"""Returns: goods that come back, from the booking to what becomes of every unit.

Decides what may be returned, which warehouse is proposed, how units are graded, who decides their fate and how it is
carried out, step by step, each capped by the one before. Owns the words RMA, inspection, grade, disposition and batch.
Stands on stock (the only way goods move), stages, charges, messages and files.
"""
