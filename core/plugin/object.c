/* object.c - see object.h. dlopen says little about a file that it cannot load ("invalid ELF header"), and
 * it trusts its headers. */
#include "plugin/object.h"

#include "contract/error.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *machine_name(unsigned machine)
{
    switch (machine) {
    case EM_X86_64: return "x86-64";
    case EM_386: return "x86";
    case EM_AARCH64: return "aarch64";
    case EM_ARM: return "arm";
    case EM_RISCV: return "riscv";
    default: return "another machine";
    }
}

static unsigned own_machine(void)
{
#if defined(__x86_64__)
    return EM_X86_64;
#elif defined(__aarch64__)
    return EM_AARCH64;
#elif defined(__riscv)
    return EM_RISCV;
#elif defined(__arm__)
    return EM_ARM;
#elif defined(__i386__)
    return EM_386;
#else
    return EM_NONE;
#endif
}

static int check_segments(int file, const ElfW(Ehdr) * header, uint64_t size, stapes_error *error)
{
    for (unsigned i = 0; i < header->e_phnum; i++) {
        ElfW(Phdr) segment;
        uint64_t place = (uint64_t)header->e_phoff + (uint64_t)i * sizeof segment;
        if (place > size || size - place < sizeof segment || header->e_phentsize != sizeof segment ||
            pread(file, &segment, sizeof segment, (off_t)place) != (ssize_t)sizeof segment)
            return st_error_set(error, STAPES_EMODEL,
                                "is cut short or damaged: its table of segments is not in it");
        if (segment.p_type == PT_LOAD &&
            (segment.p_offset > size || size - segment.p_offset < segment.p_filesz))
            return st_error_set(error, STAPES_EMODEL,
                                "is cut short: a segment begins at byte %llu and has %llu, the file has %llu",
                                (unsigned long long)segment.p_offset, (unsigned long long)segment.p_filesz,
                                (unsigned long long)size);
    }
    return STAPES_OK;
}

static int check_open(int file, stapes_error *error)
{
    ElfW(Ehdr) header;
    struct stat about;
    ssize_t     length;
    memset(&header, 0, sizeof header);
    if (fstat(file, &about) || !S_ISREG(about.st_mode))
        return st_error_set(error, STAPES_EMODEL, "is %s, wanted is a shared object (.so)",
                            S_ISDIR(about.st_mode) ? "a folder" : "no file");
    length = pread(file, &header, sizeof header, 0);
    if (length == 0) return st_error_set(error, STAPES_EMODEL, "is empty, wanted is a shared object (.so)");
    if (length < (ssize_t)SELFMAG || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
        return st_error_set(
            error, STAPES_EMODEL,
            "is no shared object: its first bytes are %02x %02x %02x %02x, wanted are 7f 45 4c 46 "
            "(ELF)",
            header.e_ident[0], header.e_ident[1], header.e_ident[2], header.e_ident[3]);
    if (length < (ssize_t)sizeof header)
        return st_error_set(error, STAPES_EMODEL, "is cut short: it has %d bytes, its header alone %zu",
                            (int)length, sizeof header);
    /* type and machine lie at the same place for 32 and 64 bits */
    if (header.e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) ||
        (own_machine() != EM_NONE && header.e_machine != own_machine()))
        return st_error_set(error, STAPES_EMODEL, "is built for %s, this is %s: rebuild it here",
                            machine_name(header.e_machine), machine_name(own_machine()));
    if (header.e_type != ET_DYN)
        return st_error_set(error, STAPES_EMODEL, "is %s, wanted is a shared object (cc -shared -fPIC)",
                            header.e_type == ET_REL ? "an object file" : "no shared object");
    return check_segments(file, &header, (uint64_t)about.st_size, error);
}

int st_object_check(const char *path, stapes_error *error)
{
    int status, file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) return st_error_set(error, STAPES_EMODEL, "cannot be read: %s", strerror(errno));
    status = check_open(file, error);
    (void)close(file);
    return status;
}
