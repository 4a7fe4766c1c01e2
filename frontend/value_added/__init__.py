"""The screens and papers of value-added services: offers, jobs, statements for finance."""
