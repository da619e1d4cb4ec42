/* check.h - the test harness: CHECK says place and values of what failed; the run goes on and its exit
 * code counts. A test file is a main() of CHECKs that ends with `return check_done();`. */
#ifndef ST_CHECK_H
#define ST_CHECK_H

#include <stdio.h>
#include <string.h>

static int check_count, check_failures;

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        check_count++;                                                                                       \
        if (!(condition)) {                                                                                  \
            check_failures++;                                                                                \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                          \
        }                                                                                                    \
    } while (0)

/* Two strings, shown when they differ. */
#define CHECK_TEXT(found, expected)                                                                          \
    do {                                                                                                     \
        const char *found_ = (found), *expected_ = (expected);                                               \
        check_count++;                                                                                       \
        if (!found_ || strcmp(found_, expected_) != 0) {                                                     \
            check_failures++;                                                                                \
            fprintf(stderr, "%s:%d: found    %s\n%*sexpected %s\n", __FILE__, __LINE__,                      \
                    found_ ? found_ : "(null)", 4, "", expected_);                                           \
        }                                                                                                    \
    } while (0)

/* A string that must contain another: for messages. */
#define CHECK_HAS(found, part)                                                                               \
    do {                                                                                                     \
        const char *found_ = (found), *part_ = (part);                                                       \
        check_count++;                                                                                       \
        if (!found_ || !strstr(found_, part_)) {                                                             \
            check_failures++;                                                                                \
            fprintf(stderr, "%s:%d: found    %s\n%*slacks    %s\n", __FILE__, __LINE__,                      \
                    found_ ? found_ : "(null)", 4, "", part_);                                               \
        }                                                                                                    \
    } while (0)

static inline int check_done(void)
{
    printf("%d checks, %d failed\n", check_count, check_failures);
    return check_failures ? 1 : 0;
}

#endif
