/* One file, written whole and durably or not at all (docs: pitfalls of files).
 *
 * The sequence: a new temporary file in the same folder; its space reserved, so that a full disk
 * shows before anything else; written; fsync; close; rename; fsync of the folder. Only after the
 * last step does the new file count. Whatever step fails, the temporary file is unlinked and the
 * file that was there before is as it was. */
#ifndef STORE_DURABLE_H
#define STORE_DURABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The steps in their order: X(symbol, what the step does, in words after "cannot"). */
#define LCAL__STEP_MAP(X)                                                                          \
  X(CREATE, "create the temporary file")                                                           \
  X(RESERVE, "reserve the space")                                                                  \
  X(WRITE, "write")                                                                                \
  X(SYNC, "fsync the file")                                                                        \
  X(CLOSE, "close the file")                                                                       \
  X(RENAME, "rename the file")                                                                     \
  X(SYNC_FOLDER, "fsync the folder")

enum lcal__step {
#define LCAL__STEP_ENUM(symbol, words) LCAL__STEP_##symbol,
  LCAL__STEP_MAP(LCAL__STEP_ENUM)
#undef LCAL__STEP_ENUM
      LCAL__STEP_COUNT
};

const char *lcal__step_words(enum lcal__step step);

/* Called before each step; 0 goes on, an errno value makes the step fail with it. */
typedef int (*lcal__step_hook)(void *context, enum lcal__step step);

struct lcal__durable {
  int folder_fd;
  const char *name;      /* in the folder */
  const char *temporary; /* in the folder; must not exist */
  mode_t mode;           /* less the umask */
  bool replace;          /* `name` may exist, and stays the new one if the folder's fsync fails;
                            else it is unlinked then, so that a failure leaves no new file */
  lcal__step_hook hook;  /* or NULL */
  void *context;
};

/* 0, or the errno value of the step that failed, which *failed then is. */
int lcal__durable_write(const struct lcal__durable *file, const void *bytes, size_t length,
                        enum lcal__step *failed);

#endif
