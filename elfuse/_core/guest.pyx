"""What tests and documents need to know of the guest: its vDSO and its table of system calls."""


def vdso_image() -> bytes:
    """The synthetic vDSO page as the guest sees it, with its time page unseeded."""
    cdef uint8_t page[VDSO_PAGE_SIZE]
    cdef vdso_info info

    vdso_build(page, &info)
    return page[:VDSO_PAGE_SIZE]


def syscall_table() -> list:
    """(number, name, signature) of each row of syscalls.def."""
    cdef const syscall_row *row
    rows = []
    for number in range(syscall_table_size()):
        row = syscall_lookup(number)
        if row != NULL:
            rows.append((number, (<bytes>row.name).decode(), (<bytes>row.signature).decode()))
    return rows
