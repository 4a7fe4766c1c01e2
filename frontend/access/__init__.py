"""The screens of access: signing in, one's own account, and for administrators organisations and people."""
