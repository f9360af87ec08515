"""Small arm64 programs, assembled by hand, and an image of them."""

from pathlib import Path

from tests.oci.images import (
    GROUP,
    PASSWD,
    Image,
    a64_program,
    exit_program,
    hello_program,
    tar,
    write_layout,
)

SVC = 0xD4000001


def set_x(register: int, value: int) -> int:
    """movz, or movn for a negative value."""
    return 0xD2800000 | value << 5 | register if value >= 0 else 0x92800000 | ~value << 5 | register


def call(number: int, *values: int) -> list[int]:
    return [*(set_x(i, value) for i, value in enumerate(values)), set_x(8, number), SVC]


# What came, in one read, and the end.
ECHO = a64_program(
    [
        0xD10103FF,  # sub sp, sp, #64
        *[set_x(0, 0), 0x910003E1, set_x(2, 64), set_x(8, 63), SVC],  # read(0, sp, 64)
        *[0xAA0003E2, set_x(0, 1), set_x(8, 64), SVC],  # write(1, sp, what came)
        *call(93, 0),
    ]
)
# mkdirat(AT_FDCWD, "/made", 0755); exit with the negated result
MKDIR = a64_program(
    [set_x(0, -100), 0x10000101, set_x(2, 0o755), set_x(8, 34), SVC, 0xCB0003E0, set_x(8, 93), SVC, 0],
    b"/made\0",
)
# exit(getpid())
PID = a64_program([*call(172), set_x(8, 93), SVC])
ILLEGAL = a64_program([0])
LOOP = a64_program([0x14000000])

_COPY = [  # until read(x19, sp, 4095) gives nothing more: write(1, sp, that); exit with the negated result
    *[0xAA1303E0, 0x910003E1, set_x(2, 4095), set_x(8, 63), SVC],
    *[0xF100001F, 0x540000ED],  # cmp x0, #0; b.le .+28
    *[0xAA0003E2, set_x(0, 1), 0x910003E1, set_x(8, 64), SVC],
    0x17FFFFF4,  # b to the read
    *[0xCB0003E0, set_x(8, 93), SVC],
]
# openat(AT_FDCWD, argv[1], O_RDONLY), then its content
CAT = a64_program(
    [set_x(0, -100), 0xF9400BE1, set_x(2, 0), set_x(8, 56), SVC, 0xAA0003F3, 0xD14007FF, *_COPY]
)
# Standard input, until its end
COPY = a64_program([set_x(19, 0), 0xD14007FF, *_COPY])


def program_layout(directory: Path) -> str:
    """An image of all of them, as a reference."""
    hello = hello_program(b"hello\n")
    programs = tar(
        [
            ("etc/passwd", PASSWD),
            ("etc/group", GROUP),
            ("bin/hello", hello, 0o755),
            ("bin/exit7", exit_program(7), 0o755),
            ("bin/echo", ECHO, 0o755),
            ("bin/cat", CAT, 0o755),
            ("bin/copy", COPY, 0o755),
            ("bin/mkdir", MKDIR, 0o755),
            ("bin/illegal", ILLEGAL, 0o755),
            ("bin/pid", PID, 0o755),
            ("bin/loop", LOOP, 0o755),
            ("bin/script", b"#!/bin/hello\n", 0o755),
            ("bin/plain", hello, 0o644),
            ("bin/text", b"just words\n", 0o755),
            ("bin/amd64", hello[:18] + b"\x3e\0" + hello[20:], 0o755),
            ("bin/corrupt", hello[:32] + b"\xff" * 8 + hello[40:], 0o755),  # e_phoff
            ("bin/short", hello[:40], 0o755),
        ]
    )
    config = {"Cmd": ["/bin/hello"], "Env": ["PATH=/bin", "LEAK_ME"]}
    return f"oci:{write_layout(directory, {'app': [Image([programs], config)]})}:app"
