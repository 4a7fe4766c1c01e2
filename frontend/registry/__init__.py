"""The registry's screens: the public directory, warehouses, their locations, items."""
