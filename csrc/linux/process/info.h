/* info.h - how the guest's kernel names itself: uname, /proc/version, /proc/sys/kernel. */
#ifndef ELFUSE_LINUX_INFO_H
#define ELFUSE_LINUX_INFO_H

/* The kernel of the Debian release that is the reference; programs compare the numbers. */
#define LINUX_UTS_RELEASE "6.12.0-elfuse"
#define LINUX_UTS_VERSION "#1 SMP elfuse"

#endif
