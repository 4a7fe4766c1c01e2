"""Repairs 维修工单: one exact unit from diagnosis to test, with a quote that its owner answers before it expires.

Decides what a technician may do next, what warranty covers, which parts and minutes an approved quote pays for, and that a
unit leaves the workshop tested or given up. Owns the words work order, fault code, quote, part use and turnaround. Moves
goods only through stock's ledger; what a return is, it does not know: returns open orders and go on without them.
"""
