/*
 * links.h - how many names a file of a tree has, where its inode has names in other trees as well.
 *
 * The count stands at the end of LAYER_OVERRIDE_XATTR, as ":links-N"; without it there is one.
 */
#ifndef ELFUSE_LAYER_LINKS_H
#define ELFUSE_LAYER_LINKS_H

#include <stdint.h>

#include "layer/layer.h"

/* What fd's attribute says. */
uint32_t links_recorded(int fd);

/* Makes every count in the tree right. A file that other trees share gets a copy of its own where
 * its count is not theirs. Codes of layer.h. */
int layer_count_links(int root_fd, struct layer_error *err);

#endif
