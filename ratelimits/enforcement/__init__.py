"""What a service in Python asks Tollgate with, before it does a call.

Nothing here imports anything else of ours: a service may import it on its own.
"""
