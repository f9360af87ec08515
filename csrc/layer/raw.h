/*
 * raw.h - one layer alone, in the form in which overlayfs keeps a layer (overlayfs.rst).
 *
 * A whiteout is an empty file with RAW_WHITEOUT, and its directory is marked RAW_OPAQUE "x", which
 * Linux asks for since 6.7; RAW_OPAQUE "y" is a directory that hides what lower layers have in it,
 * and there is no whiteout in it or below.
 *
 * A layer stands alone when no entry needed what a lower layer holds: each parent is a directory
 * that the layer has named before, each hard link's target is the layer's. Only then is the tree,
 * laid over the lower ones, what applying the layer to them would give. apply.c finds out while it
 * applies, and then gives LAYER_E_DEPENDS.
 *
 * Files carry RAW_SHARED in their host's mode: their inode may have names in other trees as well
 * (merge.h), so its link count says nothing of the image. What the guest sees is 1, or the count
 * that the LAYER_OVERRIDE_XATTR ends with (links.h).
 */
#ifndef ELFUSE_LAYER_RAW_H
#define ELFUSE_LAYER_RAW_H

#include "layer/apply.h"

#define RAW_WHITEOUT "user.overlay.whiteout"
#define RAW_OPAQUE   "user.overlay.opaque"
#define RAW_SHARED   S_ISVTX /* means nothing on a file, and virtual owners never set it there */

/* 'x', 'y', or 0 for a directory without the mark. */
char raw_mark(int dir_fd);
/* Whether name is a whiteout: 1, 0, or -errno. */
int raw_is_whiteout(int dir_fd, const char *name);

/* For apply.c and whiteout.c; codes of layer.h. */
int raw_depends(struct apply *a, const char *why);
int raw_whiteout(struct apply *a, const char *hidden); /* in a->at */
int raw_opaque(struct apply *a, int dir_fd);
/* After the last entry: what is below opaque directories, and the counts of links. */
int raw_finish(struct apply *a);

#endif
