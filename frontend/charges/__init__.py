"""Prices and what was charged by them."""
