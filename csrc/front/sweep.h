/* sweep.h - whether it is time to clear what ended runs have left. */
#ifndef ELFUSE_FRONT_SWEEP_H
#define ELFUSE_FRONT_SWEEP_H

/* Have the Python command sweep the store, in a process that nobody waits for, when an ended run
 * holds something or many hold nothing. */
void sweep_if_due(const char *store);

#endif
