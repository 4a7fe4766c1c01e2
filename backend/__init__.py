"""Luocang's business: what is kept, what may happen, what happens and what may be asked.

Knows the database; knows no HTML. Floors and rooms: README, "The map".
"""
