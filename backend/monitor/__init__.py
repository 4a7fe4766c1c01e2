"""Monitor: how every return, repair and job of the zone stands, and whether what was done agrees with the ledger.

Decides how old is old, and what the book must show for everything that rooms say they moved. Owns the words age, figure,
effect and orphan. It reads the rooms below it and changes nothing of theirs.
"""
