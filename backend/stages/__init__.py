"""Stages: where a return, repair or job stands, since when, until when, and whose turn it is.

Decides how long a stage may last (stages.toml) and what is overdue. Owns the words stage, turn and due. Other rooms say
when a document enters a stage; what the stages mean is theirs.
"""
