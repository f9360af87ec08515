/* names_file.c - of files, descriptors, terminals and events. */
#include "linux/trace/names.h"

#define N(name, value)                                                                             \
    {                                                                                              \
#name, value                                                                               \
    }

static const struct trace_name oflags_names[] = {
    N(O_WRONLY, 1),          N(O_RDWR, 2),           N(O_CREAT, 0100),
    N(O_EXCL, 0200),         N(O_NOCTTY, 0400),      N(O_TRUNC, 01000),
    N(O_APPEND, 02000),      N(O_NONBLOCK, 04000),   N(O_SYNC, 04010000),
    N(O_DSYNC, 010000),      N(O_DIRECT, 0200000),   N(O_LARGEFILE, 0400000),
    N(O_TMPFILE, 020040000), N(O_DIRECTORY, 040000), N(O_NOFOLLOW, 0100000),
    N(O_NOATIME, 01000000),  N(O_CLOEXEC, 02000000), N(O_PATH, 010000000),
    N(FASYNC, 020000),
};

static const struct trace_name cloexec_names[] = {
    N(O_NONBLOCK, 04000),
    N(O_DIRECT, 0200000),
    N(O_CLOEXEC, 02000000),
};

static const struct trace_name epollflags_names[] = {
    N(EPOLL_CLOEXEC, 02000000),
};

static const struct trace_name efdflags_names[] = {
    N(EFD_SEMAPHORE, 1),
    N(EFD_CLOEXEC, 02000000),
    N(EFD_NONBLOCK, 04000),
};

static const struct trace_name sfdflags_names[] = {
    N(SFD_CLOEXEC, 02000000),
    N(SFD_NONBLOCK, 04000),
};

static const struct trace_name tfdflags_names[] = {
    N(TFD_CLOEXEC, 02000000),
    N(TFD_NONBLOCK, 04000),
};

static const struct trace_name tfdtimerflags_names[] = {
    N(TFD_TIMER_ABSTIME, 1),
    N(TFD_TIMER_CANCEL_ON_SET, 2),
};

static const struct trace_name inflags_names[] = {
    N(IN_CLOEXEC, 02000000),
    N(IN_NONBLOCK, 04000),
};

static const struct trace_name inmask_names[] = {
    N(IN_ACCESS, 0x1),
    N(IN_MODIFY, 0x2),
    N(IN_ATTRIB, 0x4),
    N(IN_CLOSE_WRITE, 0x8),
    N(IN_CLOSE_NOWRITE, 0x10),
    N(IN_OPEN, 0x20),
    N(IN_MOVED_FROM, 0x40),
    N(IN_MOVED_TO, 0x80),
    N(IN_CREATE, 0x100),
    N(IN_DELETE, 0x200),
    N(IN_DELETE_SELF, 0x400),
    N(IN_MOVE_SELF, 0x800),
    N(IN_UNMOUNT, 0x2000),
    N(IN_Q_OVERFLOW, 0x4000),
    N(IN_IGNORED, 0x8000),
    N(IN_ONLYDIR, 0x1000000),
    N(IN_DONT_FOLLOW, 0x2000000),
    N(IN_EXCL_UNLINK, 0x4000000),
    N(IN_MASK_CREATE, 0x10000000),
    N(IN_MASK_ADD, 0x20000000),
    N(IN_ISDIR, 0x40000000),
    N(IN_ONESHOT, 0x80000000),
};

static const struct trace_name atflags_names[] = {
    N(AT_SYMLINK_NOFOLLOW, 0x100), N(AT_REMOVEDIR, 0x200),   N(AT_SYMLINK_FOLLOW, 0x400),
    N(AT_NO_AUTOMOUNT, 0x800),     N(AT_EMPTY_PATH, 0x1000), N(AT_RECURSIVE, 0x8000),
};

static const struct trace_name accessflags_names[] = {
    N(AT_SYMLINK_NOFOLLOW, 0x100),
    N(AT_EACCESS, 0x200),
    N(AT_EMPTY_PATH, 0x1000),
};

static const struct trace_name statxsync_names[] = {
    N(AT_STATX_SYNC_AS_STAT, 0),
    N(AT_STATX_FORCE_SYNC, 0x2000),
    N(AT_STATX_DONT_SYNC, 0x4000),
};

static const struct trace_name statxmask_names[] = {
    N(STATX_ALL, 0xfff),
    N(STATX_BASIC_STATS, 0x7ff),
    N(STATX_TYPE, 1),
    N(STATX_MODE, 2),
    N(STATX_NLINK, 4),
    N(STATX_UID, 8),
    N(STATX_GID, 0x10),
    N(STATX_ATIME, 0x20),
    N(STATX_MTIME, 0x40),
    N(STATX_CTIME, 0x80),
    N(STATX_INO, 0x100),
    N(STATX_SIZE, 0x200),
    N(STATX_BLOCKS, 0x400),
    N(STATX_BTIME, 0x800),
    N(STATX_MNT_ID, 0x1000),
    N(STATX_DIOALIGN, 0x2000),
    N(STATX_MNT_ID_UNIQUE, 0x4000),
};

static const struct trace_name statxattr_names[] = {
    N(STATX_ATTR_COMPRESSED, 4),      N(STATX_ATTR_IMMUTABLE, 0x10),
    N(STATX_ATTR_APPEND, 0x20),       N(STATX_ATTR_NODUMP, 0x40),
    N(STATX_ATTR_ENCRYPTED, 0x800),   N(STATX_ATTR_AUTOMOUNT, 0x1000),
    N(STATX_ATTR_MOUNT_ROOT, 0x2000), N(STATX_ATTR_VERITY, 0x100000),
    N(STATX_ATTR_DAX, 0x200000),
};

static const struct trace_name accmode_names[] = {
    N(R_OK, 4),
    N(W_OK, 2),
    N(X_OK, 1),
};

static const struct trace_name xflags_names[] = {
    N(XATTR_CREATE, 1),
    N(XATTR_REPLACE, 2),
};

static const struct trace_name filetype_names[] = {
    N(S_IFSOCK, 0140000), N(S_IFLNK, 0120000), N(S_IFREG, 0100000), N(S_IFBLK, 0060000),
    N(S_IFDIR, 0040000),  N(S_IFCHR, 0020000), N(S_IFIFO, 0010000),
};

static const struct trace_name whence_names[] = {
    N(SEEK_SET, 0), N(SEEK_CUR, 1), N(SEEK_END, 2), N(SEEK_DATA, 3), N(SEEK_HOLE, 4),
};

static const struct trace_name fallocmode_names[] = {
    N(FALLOC_FL_KEEP_SIZE, 0x1),      N(FALLOC_FL_PUNCH_HOLE, 0x2),
    N(FALLOC_FL_NO_HIDE_STALE, 0x4),  N(FALLOC_FL_COLLAPSE_RANGE, 0x8),
    N(FALLOC_FL_ZERO_RANGE, 0x10),    N(FALLOC_FL_INSERT_RANGE, 0x20),
    N(FALLOC_FL_UNSHARE_RANGE, 0x40),
};

static const struct trace_name fadvice_names[] = {
    N(POSIX_FADV_NORMAL, 0),   N(POSIX_FADV_RANDOM, 1),   N(POSIX_FADV_SEQUENTIAL, 2),
    N(POSIX_FADV_WILLNEED, 3), N(POSIX_FADV_DONTNEED, 4), N(POSIX_FADV_NOREUSE, 5),
};

static const struct trace_name flockop_names[] = {
    N(LOCK_SH, 1), N(LOCK_EX, 2), N(LOCK_NB, 4), N(LOCK_UN, 8), N(LOCK_MAND, 32),
};

static const struct trace_name renameflags_names[] = {
    N(RENAME_NOREPLACE, 0x1),
    N(RENAME_EXCHANGE, 0x2),
    N(RENAME_WHITEOUT, 0x4),
};

static const struct trace_name resolveflags_names[] = {
    N(RESOLVE_NO_XDEV, 0x1), N(RESOLVE_NO_MAGICLINKS, 0x2), N(RESOLVE_NO_SYMLINKS, 0x4),
    N(RESOLVE_BENEATH, 0x8), N(RESOLVE_IN_ROOT, 0x10),      N(RESOLVE_CACHED, 0x20),
};

static const struct trace_name rwflags_names[] = {
    N(RWF_HIPRI, 0x1),   N(RWF_DSYNC, 0x2),     N(RWF_SYNC, 0x4),    N(RWF_NOWAIT, 0x8),
    N(RWF_APPEND, 0x10), N(RWF_NOAPPEND, 0x20), N(RWF_ATOMIC, 0x40),
};

static const struct trace_name spliceflags_names[] = {
    N(SPLICE_F_MOVE, 0x1),
    N(SPLICE_F_NONBLOCK, 0x2),
    N(SPLICE_F_MORE, 0x4),
    N(SPLICE_F_GIFT, 0x8),
};

static const struct trace_name syncrangeflags_names[] = {
    N(SYNC_FILE_RANGE_WAIT_BEFORE, 0x1),
    N(SYNC_FILE_RANGE_WRITE, 0x2),
    N(SYNC_FILE_RANGE_WAIT_AFTER, 0x4),
};

static const struct trace_name closerangeflags_names[] = {
    N(CLOSE_RANGE_UNSHARE, 2),
    N(CLOSE_RANGE_CLOEXEC, 4),
};

static const struct trace_name epollop_names[] = {
    N(EPOLL_CTL_ADD, 1),
    N(EPOLL_CTL_DEL, 2),
    N(EPOLL_CTL_MOD, 3),
};

static const struct trace_name epollevents_names[] = {
    N(EPOLLIN, 1),
    N(EPOLLPRI, 2),
    N(EPOLLOUT, 4),
    N(EPOLLRDNORM, 0x40),
    N(EPOLLRDBAND, 0x80),
    N(EPOLLWRNORM, 0x100),
    N(EPOLLWRBAND, 0x200),
    N(EPOLLMSG, 0x400),
    N(EPOLLERR, 8),
    N(EPOLLHUP, 0x10),
    N(EPOLLRDHUP, 0x2000),
    N(EPOLLEXCLUSIVE, 0x10000000),
    N(EPOLLWAKEUP, 0x20000000),
    N(EPOLLONESHOT, 0x40000000),
    N(EPOLLET, 0x80000000),
};

static const struct trace_name pollevents_names[] = {
    N(POLLIN, 1),         N(POLLPRI, 2),        N(POLLOUT, 4),        N(POLLRDNORM, 0x40),
    N(POLLRDBAND, 0x80),  N(POLLWRNORM, 0x100), N(POLLWRBAND, 0x200), N(POLLMSG, 0x400),
    N(POLLERR, 8),        N(POLLHUP, 0x10),     N(POLLNVAL, 0x20),    N(POLLREMOVE, 0x1000),
    N(POLLRDHUP, 0x2000),
};

static const struct trace_name fcntlcmd_names[] = {
    N(F_DUPFD, 0),
    N(F_GETFD, 1),
    N(F_SETFD, 2),
    N(F_GETFL, 3),
    N(F_SETFL, 4),
    N(F_GETLK, 5),
    N(F_SETLK, 6),
    N(F_SETLKW, 7),
    N(F_SETOWN, 8),
    N(F_GETOWN, 9),
    N(F_SETSIG, 10),
    N(F_GETSIG, 11),
    N(F_SETOWN_EX, 15),
    N(F_GETOWN_EX, 16),
    N(F_GETOWNER_UIDS, 17),
    N(F_OFD_GETLK, 36),
    N(F_OFD_SETLK, 37),
    N(F_OFD_SETLKW, 38),
    N(F_SETLEASE, 1024),
    N(F_GETLEASE, 1025),
    N(F_NOTIFY, 1026),
    N(F_DUPFD_QUERY, 1027),
    N(F_CREATED_QUERY, 1028),
    N(F_CANCELLK, 1029),
    N(F_DUPFD_CLOEXEC, 1030),
    N(F_SETPIPE_SZ, 1031),
    N(F_GETPIPE_SZ, 1032),
    N(F_ADD_SEALS, 1033),
    N(F_GET_SEALS, 1034),
    N(F_GET_RW_HINT, 1035),
    N(F_SET_RW_HINT, 1036),
    N(F_GET_FILE_RW_HINT, 1037),
    N(F_SET_FILE_RW_HINT, 1038),
};

static const struct trace_name fdflags_names[] = {
    N(FD_CLOEXEC, 1),
};

static const struct trace_name locktype_names[] = {
    N(F_RDLCK, 0),
    N(F_WRLCK, 1),
    N(F_UNLCK, 2),
};

static const struct trace_name fowner_names[] = {
    N(F_OWNER_TID, 0),
    N(F_OWNER_PID, 1),
    N(F_OWNER_PGRP, 2),
};

static const struct trace_name seals_names[] = {
    N(F_SEAL_SEAL, 0x1),  N(F_SEAL_SHRINK, 0x2),        N(F_SEAL_GROW, 0x4),
    N(F_SEAL_WRITE, 0x8), N(F_SEAL_FUTURE_WRITE, 0x10), N(F_SEAL_EXEC, 0x20),
};

static const struct trace_name ioctl_names[] = {
    N(TCGETS, 0x5401),
    N(TCSETS, 0x5402),
    N(TCSETSW, 0x5403),
    N(TCSETSF, 0x5404),
    N(TCGETA, 0x5405),
    N(TCSETA, 0x5406),
    N(TCSETAW, 0x5407),
    N(TCSETAF, 0x5408),
    N(TCSBRK, 0x5409),
    N(TCXONC, 0x540a),
    N(TCFLSH, 0x540b),
    N(TIOCEXCL, 0x540c),
    N(TIOCNXCL, 0x540d),
    N(TIOCSCTTY, 0x540e),
    N(TIOCGPGRP, 0x540f),
    N(TIOCSPGRP, 0x5410),
    N(TIOCOUTQ, 0x5411),
    N(TIOCSTI, 0x5412),
    N(TIOCGWINSZ, 0x5413),
    N(TIOCSWINSZ, 0x5414),
    N(TIOCMGET, 0x5415),
    N(FIONREAD, 0x541b),
    N(TIOCCONS, 0x541d),
    N(TIOCPKT, 0x5420),
    N(FIONBIO, 0x5421),
    N(TIOCNOTTY, 0x5422),
    N(TIOCSETD, 0x5423),
    N(TIOCGETD, 0x5424),
    N(TCSBRKP, 0x5425),
    N(TIOCGSID, 0x5429),
    N(TCGETS2, 0x802c542a),
    N(TCSETS2, 0x402c542b),
    N(TCSETSW2, 0x402c542c),
    N(TCSETSF2, 0x402c542d),
    N(TIOCGPTN, 0x80045430),
    N(TIOCSPTLCK, 0x40045431),
    N(TIOCGDEV, 0x80045432),
    N(TIOCSIG, 0x40045436),
    N(TIOCVHANGUP, 0x5437),
    N(TIOCGPKT, 0x80045438),
    N(TIOCGPTLCK, 0x80045439),
    N(TIOCGEXCL, 0x80045440),
    N(TIOCGPTPEER, 0x5441),
    N(FIONCLEX, 0x5450),
    N(FIOCLEX, 0x5451),
    N(FIOASYNC, 0x5452),
    N(FIOQSIZE, 0x5460),
    N(FIOSETOWN, 0x8901),
    N(SIOCSPGRP, 0x8902),
    N(FIOGETOWN, 0x8903),
    N(SIOCGPGRP, 0x8904),
    N(SIOCATMARK, 0x8905),
    N(SIOCGIFNAME, 0x8910),
    N(SIOCGIFCONF, 0x8912),
    N(SIOCGIFFLAGS, 0x8913),
    N(SIOCSIFFLAGS, 0x8914),
    N(SIOCGIFADDR, 0x8915),
    N(SIOCGIFDSTADDR, 0x8917),
    N(SIOCGIFBRDADDR, 0x8919),
    N(SIOCGIFNETMASK, 0x891b),
    N(SIOCGIFMETRIC, 0x891d),
    N(SIOCGIFMTU, 0x8921),
    N(SIOCGIFHWADDR, 0x8927),
    N(SIOCGIFINDEX, 0x8933),
    N(SIOCGIFTXQLEN, 0x8942),
    N(SIOCETHTOOL, 0x8946),
    N(FS_IOC_GETFLAGS, 0x80086601),
    N(FS_IOC_SETFLAGS, 0x40086602),
    N(FS_IOC_GETVERSION, 0x80087601),
    N(FICLONE, 0x40049409),
    N(FICLONERANGE, 0x4020940d),
    N(FIDEDUPERANGE, 0xc0189436),
    N(FS_IOC_FIEMAP, 0xc020660b),
    N(FS_IOC_FSGETXATTR, 0x801c581f),
    N(FS_IOC_FSSETXATTR, 0x401c5820),
    N(FIBMAP, 1),
    N(FIGETBSZ, 2),
    N(FIFREEZE, 0xc0045877),
    N(FITHAW, 0xc0045878),
    N(FITRIM, 0xc0185879),
    N(BLKGETSIZE, 0x1260),
    N(BLKSSZGET, 0x1268),
    N(BLKGETSIZE64, 0x80081272),
    N(BLKRRPART, 0x125f),
    N(RNDGETENTCNT, 0x80045200),
    N(RNDADDTOENTCNT, 0x40045201),
};

static const struct trace_name fsmagic_names[] = {
    N(EXT2_SUPER_MAGIC, 0xef53),       N(TMPFS_MAGIC, 0x1021994),
    N(PROC_SUPER_MAGIC, 0x9fa0),       N(SYSFS_MAGIC, 0x62656572),
    N(DEVPTS_SUPER_MAGIC, 0x1cd1),     N(OVERLAYFS_SUPER_MAGIC, 0x794c7630),
    N(XFS_SUPER_MAGIC, 0x58465342),    N(BTRFS_SUPER_MAGIC, 0x9123683e),
    N(NFS_SUPER_MAGIC, 0x6969),        N(RAMFS_MAGIC, 0x858458f6),
    N(CGROUP_SUPER_MAGIC, 0x27e0eb),   N(CGROUP2_SUPER_MAGIC, 0x63677270),
    N(PIPEFS_MAGIC, 0x50495045),       N(SOCKFS_MAGIC, 0x534f434b),
    N(ANON_INODE_FS_MAGIC, 0x9041934), N(FUSE_SUPER_MAGIC, 0x65735546),
    N(SQUASHFS_MAGIC, 0x73717368),     N(HUGETLBFS_MAGIC, 0x958458f6),
    N(DEBUGFS_MAGIC, 0x64626720),      N(SECURITYFS_MAGIC, 0x73636673),
    N(V9FS_MAGIC, 0x1021997),          N(ISOFS_SUPER_MAGIC, 0x9660),
    N(MSDOS_SUPER_MAGIC, 0x4d44),      N(F2FS_SUPER_MAGIC, 0xf2f52010),
};

static const struct trace_name stflags_names[] = {
    N(ST_VALID, 0x20),      N(ST_RDONLY, 1),           N(ST_NOSUID, 2),
    N(ST_NODEV, 4),         N(ST_NOEXEC, 8),           N(ST_SYNCHRONOUS, 0x10),
    N(ST_MANDLOCK, 0x40),   N(ST_NOATIME, 0x400),      N(ST_NODIRATIME, 0x800),
    N(ST_RELATIME, 0x1000), N(ST_NOSYMFOLLOW, 0x2000),
};

static const struct trace_name mountflags_names[] = {
    N(MS_RDONLY, 1),
    N(MS_NOSUID, 2),
    N(MS_NODEV, 4),
    N(MS_NOEXEC, 8),
    N(MS_SYNCHRONOUS, 16),
    N(MS_REMOUNT, 32),
    N(MS_MANDLOCK, 64),
    N(MS_DIRSYNC, 128),
    N(MS_NOSYMFOLLOW, 256),
    N(MS_NOATIME, 1024),
    N(MS_NODIRATIME, 2048),
    N(MS_BIND, 4096),
    N(MS_MOVE, 8192),
    N(MS_REC, 16384),
    N(MS_SILENT, 32768),
    N(MS_POSIXACL, 0x10000),
    N(MS_UNBINDABLE, 0x20000),
    N(MS_PRIVATE, 0x40000),
    N(MS_SLAVE, 0x80000),
    N(MS_SHARED, 0x100000),
    N(MS_RELATIME, 0x200000),
    N(MS_STRICTATIME, 0x1000000),
    N(MS_LAZYTIME, 0x2000000),
};

static const struct trace_name umountflags_names[] = {
    N(MNT_FORCE, 1),
    N(MNT_DETACH, 2),
    N(MNT_EXPIRE, 4),
    N(UMOUNT_NOFOLLOW, 8),
};

static const struct trace_name iflag_names[] = {
    N(IGNBRK, 1),   N(BRKINT, 2),    N(IGNPAR, 4),     N(PARMRK, 010),     N(INPCK, 020),
    N(ISTRIP, 040), N(INLCR, 0100),  N(IGNCR, 0200),   N(ICRNL, 0400),     N(IUCLC, 01000),
    N(IXON, 02000), N(IXANY, 04000), N(IXOFF, 010000), N(IMAXBEL, 020000), N(IUTF8, 040000),
};

static const struct trace_name oflag_names[] = {
    N(OPOST, 1),   N(OLCUC, 2),    N(ONLCR, 4),    N(OCRNL, 010),
    N(ONOCR, 020), N(ONLRET, 040), N(OFILL, 0100), N(OFDEL, 0200),
};

static const struct trace_name cflag_names[] = {
    N(CSTOPB, 0100), N(CREAD, 0200),   N(PARENB, 0400),         N(PARODD, 01000),
    N(HUPCL, 02000), N(CLOCAL, 04000), N(CMSPAR, 010000000000), N(CRTSCTS, 020000000000),
};

static const struct trace_name csize_names[] = {
    N(CS5, 0),
    N(CS6, 020),
    N(CS7, 040),
    N(CS8, 060),
};

static const struct trace_name baud_names[] = {
    N(B0, 0),         N(B50, 1),        N(B75, 2),        N(B110, 3),       N(B134, 4),
    N(B150, 5),       N(B200, 6),       N(B300, 7),       N(B600, 8),       N(B1200, 9),
    N(B1800, 10),     N(B2400, 11),     N(B4800, 12),     N(B9600, 13),     N(B19200, 14),
    N(B38400, 15),    N(BOTHER, 4096),  N(B57600, 4097),  N(B115200, 4098), N(B230400, 4099),
    N(B460800, 4100), N(B500000, 4101), N(B576000, 4102), N(B921600, 4103), N(B1000000, 4104),
};

static const struct trace_name lflag_names[] = {
    N(ISIG, 1),       N(ICANON, 2),       N(XCASE, 4),       N(ECHO, 010),
    N(ECHOE, 020),    N(ECHOK, 040),      N(ECHONL, 0100),   N(NOFLSH, 0200),
    N(TOSTOP, 0400),  N(IEXTEN, 0100000), N(ECHOCTL, 01000), N(ECHOPRT, 02000),
    N(ECHOKE, 04000), N(FLUSHO, 010000),  N(PENDIN, 040000), N(EXTPROC, 0200000),
};

const struct trace_names names_file[] = {
    NAMES_SET("oflags", oflags_names, NAMES_FLAGS, 32, "O_???", NULL),
    NAMES_SET("cloexec", cloexec_names, NAMES_FLAGS, 32, "O_???", NULL),
    NAMES_SET("epollflags", epollflags_names, NAMES_FLAGS, 32, "EPOLL_???", NULL),
    NAMES_SET("efdflags", efdflags_names, NAMES_FLAGS, 32, "EFD_???", NULL),
    NAMES_SET("sfdflags", sfdflags_names, NAMES_FLAGS, 32, "SFD_???", NULL),
    NAMES_SET("tfdflags", tfdflags_names, NAMES_FLAGS, 32, "TFD_???", NULL),
    NAMES_SET("tfdtimerflags", tfdtimerflags_names, NAMES_FLAGS, 32, "TFD_???", NULL),
    NAMES_SET("inflags", inflags_names, NAMES_FLAGS, 32, "IN_???", NULL),
    NAMES_SET("inmask", inmask_names, NAMES_FLAGS, 32, "IN_???", NULL),
    NAMES_SET("atflags", atflags_names, NAMES_FLAGS, 32, "AT_???", NULL),
    NAMES_SET("accessflags", accessflags_names, NAMES_FLAGS, 32, "AT_???", NULL),
    NAMES_SET("statxsync", statxsync_names, NAMES_ENUM, 32, "AT_STATX_???", NULL),
    NAMES_SET("statxmask", statxmask_names, NAMES_FLAGS, 32, "STATX_???", NULL),
    NAMES_SET("statxattr", statxattr_names, NAMES_FLAGS, 64, "STATX_ATTR_???", NULL),
    NAMES_SET("accmode", accmode_names, NAMES_FLAGS, 32, "?_OK", "F_OK"),
    NAMES_SET("xflags", xflags_names, NAMES_FLAGS, 32, "XATTR_???", NULL),
    NAMES_SET("filetype", filetype_names, NAMES_ENUM, 32, "S_IF???", NULL),
    NAMES_SET("whence", whence_names, NAMES_ENUM, 32, "SEEK_???", NULL),
    NAMES_SET("fallocmode", fallocmode_names, NAMES_FLAGS, 32, "FALLOC_FL_???", NULL),
    NAMES_SET("fadvice", fadvice_names, NAMES_ENUM, 32, "POSIX_FADV_???", NULL),
    NAMES_SET("flockop", flockop_names, NAMES_FLAGS, 32, "LOCK_???", NULL),
    NAMES_SET("renameflags", renameflags_names, NAMES_FLAGS, 32, "RENAME_??", NULL),
    NAMES_SET("resolveflags", resolveflags_names, NAMES_FLAGS, 64, "RESOLVE_???", NULL),
    NAMES_SET("rwflags", rwflags_names, NAMES_FLAGS, 32, "RWF_???", NULL),
    NAMES_SET("spliceflags", spliceflags_names, NAMES_FLAGS, 32, "SPLICE_F_???", NULL),
    NAMES_SET("syncrangeflags", syncrangeflags_names, NAMES_FLAGS, 32, "SYNC_FILE_RANGE_???", NULL),
    NAMES_SET("closerangeflags", closerangeflags_names, NAMES_FLAGS, 32, "CLOSE_RANGE_???", NULL),
    NAMES_SET("epollop", epollop_names, NAMES_ENUM, 32, "EPOLL_CTL_???", NULL),
    NAMES_SET("epollevents", epollevents_names, NAMES_FLAGS, 32, "EPOLL???", NULL),
    NAMES_SET("pollevents", pollevents_names, NAMES_FLAGS, 32, "POLL???", NULL),
    NAMES_SET("fcntlcmd", fcntlcmd_names, NAMES_ENUM, 32, "F_???", NULL),
    NAMES_SET("fdflags", fdflags_names, NAMES_FLAGS, 32, "FD_???", NULL),
    NAMES_SET("locktype", locktype_names, NAMES_ENUM, 32, "F_???", NULL),
    NAMES_SET("fowner", fowner_names, NAMES_ENUM, 32, "F_OWNER_???", NULL),
    NAMES_SET("seals", seals_names, NAMES_FLAGS, 32, "F_SEAL_???", NULL),
    NAMES_SET("ioctl", ioctl_names, NAMES_ENUM, 32, "ioctl", NULL),
    NAMES_SET("fsmagic", fsmagic_names, NAMES_ENUM, 64, "???", NULL),
    NAMES_SET("stflags", stflags_names, NAMES_FLAGS, 64, "ST_???", NULL),
    NAMES_SET("mountflags", mountflags_names, NAMES_FLAGS, 64, "MS_???", NULL),
    NAMES_SET("umountflags", umountflags_names, NAMES_FLAGS, 32, "MNT_???", NULL),
    NAMES_SET("iflag", iflag_names, NAMES_FLAGS, 32, "???", NULL),
    NAMES_SET("oflag", oflag_names, NAMES_FLAGS, 32, "???", NULL),
    NAMES_SET("cflag", cflag_names, NAMES_FLAGS, 32, "???", NULL),
    NAMES_SET("csize", csize_names, NAMES_ENUM, 32, "CS?", NULL),
    NAMES_SET("baud", baud_names, NAMES_ENUM, 32, "B???", NULL),
    NAMES_SET("lflag", lflag_names, NAMES_FLAGS, 32, "???", NULL),
    {NULL, NULL, 0, 0, 0, NULL, NULL},
};
