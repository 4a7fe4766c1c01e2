"""The thread of a document, and what an organisation should know."""
