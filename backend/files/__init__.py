"""Files that people bring as evidence: photos and documents, kept once under the hash of their content.

Decides what may be brought (kind, size, that a file is what it says), who may attach what, and who may read it: whoever
sees the goods that it is evidence for. Owns the words upload and attachment. Stands on access; knows nothing of returns
or repairs.
"""
