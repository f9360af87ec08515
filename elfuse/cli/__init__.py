"""The command: arguments in, API calls, rendered output. No logic that the API lacks.

Each command imports what it needs when it runs: `elfuse oci run` of an image that is there must load
neither pycurl nor rich.
"""
