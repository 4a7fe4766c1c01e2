"""What the network consists of: warehouses 海外仓, their locations 库位, and the exporters' items.

Decides codes, the listing life cycle and what a well-formed item is. Knows nothing of quantities.
"""
