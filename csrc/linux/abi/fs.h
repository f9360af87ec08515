/*
 * fs.h - constants and wire structs of the file calls, with arm64 values.
 *
 * From asm-generic/fcntl.h and arch/arm64/include/uapi/asm/fcntl.h (O_DIRECTORY, O_NOFOLLOW,
 * O_DIRECT and O_LARGEFILE are arm64's own), asm-generic/stat.h,
 * uapi/linux/{stat,openat2,fcntl,xattr}.h.
 */
#ifndef ELFUSE_LINUX_ABI_FS_H
#define ELFUSE_LINUX_ABI_FS_H

#include <stdint.h>

#define LINUX_PATH_MAX     4096 /* with the NUL */
#define LINUX_NAME_MAX     255
#define LINUX_MAXSYMLINKS  40
#define LINUX_UIO_MAXIOV   1024
#define LINUX_MAX_RW_COUNT 0x7ffff000ull

#define LINUX_O_ACCMODE   00000003
#define LINUX_O_RDONLY    00000000
#define LINUX_O_WRONLY    00000001
#define LINUX_O_RDWR      00000002
#define LINUX_O_CREAT     00000100
#define LINUX_O_EXCL      00000200
#define LINUX_O_NOCTTY    00000400
#define LINUX_O_TRUNC     00001000
#define LINUX_O_APPEND    00002000
#define LINUX_O_NONBLOCK  00004000
#define LINUX_O_DSYNC     00010000
#define LINUX_O_ASYNC     00020000
#define LINUX_O_DIRECTORY 00040000
#define LINUX_O_NOFOLLOW  00100000
#define LINUX_O_DIRECT    00200000
#define LINUX_O_LARGEFILE 00400000
#define LINUX_O_NOATIME   01000000
#define LINUX_O_CLOEXEC   02000000
#define LINUX_O_SYNC      04010000
#define LINUX_O_PATH      010000000
#define LINUX_O_TMPFILE   (020000000 | LINUX_O_DIRECTORY)
#define LINUX___O_TMPFILE 020000000
/* VALID_OPEN_FLAGS of include/linux/fcntl.h. */
#define LINUX_O_VALID                                                                              \
    (LINUX_O_ACCMODE | LINUX_O_CREAT | LINUX_O_EXCL | LINUX_O_NOCTTY | LINUX_O_TRUNC |             \
     LINUX_O_APPEND | LINUX_O_NONBLOCK | LINUX_O_SYNC | LINUX_O_ASYNC | LINUX_O_DIRECT |           \
     LINUX_O_LARGEFILE | LINUX_O_DIRECTORY | LINUX_O_NOFOLLOW | LINUX_O_NOATIME |                  \
     LINUX_O_CLOEXEC | LINUX_O_PATH | LINUX___O_TMPFILE)

#define LINUX_AT_FDCWD            (-100)
#define LINUX_AT_SYMLINK_NOFOLLOW 0x100
#define LINUX_AT_REMOVEDIR        0x200
#define LINUX_AT_EACCESS          0x200
#define LINUX_AT_SYMLINK_FOLLOW   0x400
#define LINUX_AT_NO_AUTOMOUNT     0x800
#define LINUX_AT_EMPTY_PATH       0x1000
#define LINUX_AT_STATX_SYNC_TYPE  0x6000

#define LINUX_RESOLVE_NO_XDEV       0x01
#define LINUX_RESOLVE_NO_MAGICLINKS 0x02
#define LINUX_RESOLVE_NO_SYMLINKS   0x04
#define LINUX_RESOLVE_BENEATH       0x08
#define LINUX_RESOLVE_IN_ROOT       0x10
#define LINUX_RESOLVE_CACHED        0x20
#define LINUX_RESOLVE_VALID         0x3f

#define LINUX_S_IFMT      0170000
#define LINUX_S_IFSOCK    0140000
#define LINUX_S_IFLNK     0120000
#define LINUX_S_IFREG     0100000
#define LINUX_S_IFBLK     0060000
#define LINUX_S_IFDIR     0040000
#define LINUX_S_IFCHR     0020000
#define LINUX_S_IFIFO     0010000
#define LINUX_S_ISUID     0004000
#define LINUX_S_ISGID     0002000
#define LINUX_S_ISVTX     0001000
#define LINUX_S_IALLUGO   07777
#define LINUX_S_ISDIR(m)  (((m)&LINUX_S_IFMT) == LINUX_S_IFDIR)
#define LINUX_S_ISREG(m)  (((m)&LINUX_S_IFMT) == LINUX_S_IFREG)
#define LINUX_S_ISLNK(m)  (((m)&LINUX_S_IFMT) == LINUX_S_IFLNK)
#define LINUX_S_ISCHR(m)  (((m)&LINUX_S_IFMT) == LINUX_S_IFCHR)
#define LINUX_S_ISBLK(m)  (((m)&LINUX_S_IFMT) == LINUX_S_IFBLK)
#define LINUX_S_ISFIFO(m) (((m)&LINUX_S_IFMT) == LINUX_S_IFIFO)

#define LINUX_DT_UNKNOWN 0
#define LINUX_DT_FIFO    1
#define LINUX_DT_CHR     2
#define LINUX_DT_DIR     4
#define LINUX_DT_BLK     6
#define LINUX_DT_REG     8
#define LINUX_DT_LNK     10
#define LINUX_DT_SOCK    12

#define LINUX_F_OK 0
#define LINUX_X_OK 1
#define LINUX_W_OK 2
#define LINUX_R_OK 4

#define LINUX_SEEK_SET  0
#define LINUX_SEEK_CUR  1
#define LINUX_SEEK_END  2
#define LINUX_SEEK_DATA 3
#define LINUX_SEEK_HOLE 4

#define LINUX_RENAME_NOREPLACE 1u
#define LINUX_RENAME_EXCHANGE  2u
#define LINUX_RENAME_WHITEOUT  4u

#define LINUX_UTIME_NOW  0x3fffffff
#define LINUX_UTIME_OMIT 0x3ffffffe

#define LINUX_XATTR_CREATE   1
#define LINUX_XATTR_REPLACE  2
#define LINUX_XATTR_NAME_MAX 255
#define LINUX_XATTR_SIZE_MAX 65536

#define LINUX_F_DUPFD         0
#define LINUX_F_GETFD         1
#define LINUX_F_SETFD         2
#define LINUX_F_GETFL         3
#define LINUX_F_SETFL         4
#define LINUX_F_GETLK         5
#define LINUX_F_SETLK         6
#define LINUX_F_SETLKW        7
#define LINUX_F_SETOWN        8
#define LINUX_F_GETOWN        9
#define LINUX_F_SETSIG        10
#define LINUX_F_GETSIG        11
#define LINUX_F_SETOWN_EX     15
#define LINUX_F_GETOWN_EX     16
#define LINUX_F_OWNER_TID     0
#define LINUX_F_OWNER_PID     1
#define LINUX_F_OWNER_PGRP    2
#define LINUX_F_UNLCK         2
#define LINUX_F_OFD_GETLK     36
#define LINUX_F_OFD_SETLK     37
#define LINUX_F_OFD_SETLKW    38
#define LINUX_F_SETLEASE      1024
#define LINUX_F_GETLEASE      1025
#define LINUX_F_NOTIFY        1026
#define LINUX_F_DUPFD_QUERY   1027
#define LINUX_F_DUPFD_CLOEXEC 1030
#define LINUX_F_SETPIPE_SZ    1031
#define LINUX_F_GETPIPE_SZ    1032
#define LINUX_F_ADD_SEALS     1033
#define LINUX_F_GET_SEALS     1034
#define LINUX_F_GET_RW_HINT   1035
#define LINUX_F_SET_RW_HINT   1036
#define LINUX_FD_CLOEXEC      1

#define LINUX_CLOSE_RANGE_UNSHARE 2u
#define LINUX_CLOSE_RANGE_CLOEXEC 4u

/* asm-generic/stat.h, 128 bytes. */
struct linux_stat {
    uint64_t st_dev;
    uint64_t st_ino;
    uint32_t st_mode;
    uint32_t st_nlink;
    uint32_t st_uid;
    uint32_t st_gid;
    uint64_t st_rdev;
    uint64_t pad1;
    int64_t st_size;
    int32_t st_blksize;
    int32_t pad2;
    int64_t st_blocks;
    int64_t st_atime_sec;
    uint64_t st_atime_nsec;
    int64_t st_mtime_sec;
    uint64_t st_mtime_nsec;
    int64_t st_ctime_sec;
    uint64_t st_ctime_nsec;
    uint32_t unused4, unused5;
};
_Static_assert(sizeof(struct linux_stat) == 128, "asm-generic struct stat");

struct linux_statx_timestamp {
    int64_t tv_sec;
    uint32_t tv_nsec;
    int32_t reserved;
};

#define LINUX_STATX_TYPE        0x0001u
#define LINUX_STATX_MODE        0x0002u
#define LINUX_STATX_NLINK       0x0004u
#define LINUX_STATX_UID         0x0008u
#define LINUX_STATX_GID         0x0010u
#define LINUX_STATX_SIZE        0x0200u
#define LINUX_STATX_BASIC_STATS 0x07ffu
#define LINUX_STATX_BTIME       0x0800u
#define LINUX_STATX__RESERVED   0x80000000u

/* uapi/linux/stat.h, 256 bytes. */
struct linux_statx {
    uint32_t stx_mask;
    uint32_t stx_blksize;
    uint64_t stx_attributes;
    uint32_t stx_nlink;
    uint32_t stx_uid;
    uint32_t stx_gid;
    uint16_t stx_mode;
    uint16_t spare0;
    uint64_t stx_ino;
    uint64_t stx_size;
    uint64_t stx_blocks;
    uint64_t stx_attributes_mask;
    struct linux_statx_timestamp stx_atime, stx_btime, stx_ctime, stx_mtime;
    uint32_t stx_rdev_major, stx_rdev_minor;
    uint32_t stx_dev_major, stx_dev_minor;
    uint64_t stx_mnt_id;
    uint32_t stx_dio_mem_align, stx_dio_offset_align;
    uint64_t spare3[12];
};
_Static_assert(sizeof(struct linux_statx) == 256, "struct statx");

/* asm-generic/statfs.h on 64 bits. */
struct linux_statfs {
    int64_t f_type;
    int64_t f_bsize;
    uint64_t f_blocks, f_bfree, f_bavail, f_files, f_ffree;
    int32_t f_fsid[2];
    int64_t f_namelen;
    int64_t f_frsize;
    int64_t f_flags;
    int64_t f_spare[4];
};
_Static_assert(sizeof(struct linux_statfs) == 120, "struct statfs");

struct linux_dirent64 {
    uint64_t d_ino;
    int64_t d_off;
    uint16_t d_reclen;
    uint8_t d_type;
    char d_name[];
};
#define LINUX_DIRENT64_NAME 19 /* offset of d_name */

struct linux_flock {
    int16_t l_type;
    int16_t l_whence;
    int32_t pad;
    int64_t l_start;
    int64_t l_len;
    int32_t l_pid;
    int32_t pad2;
};
_Static_assert(sizeof(struct linux_flock) == 32, "struct flock");

struct linux_open_how {
    uint64_t flags;
    uint64_t mode;
    uint64_t resolve;
};

struct linux_timespec_fs {
    int64_t tv_sec;
    int64_t tv_nsec;
};

/* include/linux/kdev_t.h, new_encode_dev: what st_rdev holds on 64 bits. */
static inline uint64_t linux_mkdev(uint32_t major, uint32_t minor)
{
    return (minor & 0xff) | ((uint64_t)major << 8) | ((uint64_t)(minor & ~0xffu) << 12);
}
static inline uint32_t linux_major(uint64_t dev)
{
    return (uint32_t)((dev >> 8) & 0xfff);
}
static inline uint32_t linux_minor(uint64_t dev)
{
    return (uint32_t)((dev & 0xff) | ((dev >> 12) & 0xfff00));
}

#define LINUX_PROC_SUPER_MAGIC 0x9fa0
#define LINUX_SYSFS_MAGIC      0x62656572
#define LINUX_TMPFS_MAGIC      0x01021994
#define LINUX_OVERLAYFS_MAGIC  0x794c7630
#define LINUX_DEVPTS_MAGIC     0x1cd1
#define LINUX_ST_RDONLY        0x0001
#define LINUX_ST_VALID         0x0020

#endif
