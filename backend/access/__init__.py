"""Who is asking: organisations, people, memberships, sessions and tokens, and the Viewer made of them.

Owns the words operator 运营企业, exporter 货主, committee 综试区办, viewer. Decides who may see and do what; every other
slice asks the Viewer and applies its scope in its own queries.
"""
