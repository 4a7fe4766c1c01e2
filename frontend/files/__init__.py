"""An attached file, for whoever may see the goods it speaks of."""
