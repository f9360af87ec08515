/* python.h - the whole command, which is Python's. */
#ifndef ELFUSE_FRONT_PYTHON_H
#define ELFUSE_FRONT_PYTHON_H

/* Its path, beside this program wherever a link to that may be. Static; NULL when nobody can say.
 */
const char *python_command(void);

#endif
