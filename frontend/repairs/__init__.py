"""The screens and papers of repairs: work orders, quotes, parts, results."""
