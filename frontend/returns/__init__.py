"""The screens and papers of returns: from the booking to what becomes of every unit."""
