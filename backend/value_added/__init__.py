"""Value-added services: what a warehouse does with and for goods beyond keeping them.

Decides what an offer, a request, a quote and a result are, when each may follow the other, how light processing carries
lots through, and how pledged goods are set free. Owns the words offer, job, recipe, run, referral, pledge and statement.
"""
