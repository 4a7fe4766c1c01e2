"""Messages: a thread for each document between its exporter and its operator, and what each organisation should know.

Decides who may write in a thread and who hears of it. Owns the words thread and notification. A notification is kept as a
message id with its facts and is spoken in the language of whoever reads it.
"""
