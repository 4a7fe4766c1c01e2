"""The overview, and the page about the API."""
