"""The screens of trade files: what was imported, a new file, how a run goes on and what it rejected."""
