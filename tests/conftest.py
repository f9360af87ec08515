"""What every test starts from."""

import signal

# A run in the background of a shell ignores SIGINT. Children would inherit that, and guests with them.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
