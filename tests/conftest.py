"""What every test starts from."""

import signal

# A run in the background of a shell ignores SIGINT and SIGQUIT, one under nohup SIGHUP. Children would
# inherit that, and guests with them.
for number, usual in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGQUIT, signal.SIG_DFL),
    (signal.SIGHUP, signal.SIG_DFL),
):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)
