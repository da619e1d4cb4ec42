/* object.c - see object.h. dlopen says little about a file that it cannot load ("invalid ELF header"), and
 * it trusts its headers. */
#include "plugin/object.h"

#include "contract/error.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
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

/* ---- what it imports
 * ------------------------------------------------------------------------------------------ */

/* Calls `found` for each symbol that the table at `section` leaves undefined. */
static int read_imports(const unsigned char *file, size_t size, const ElfW(Shdr) * sections,
                        uint32_t n_sections, const ElfW(Shdr) * section,
                        void (*found)(void *user, const char *name), void *user, stapes_error *error)
{
    const ElfW(Shdr) * names;
    if (section->sh_link >= n_sections || section->sh_offset > size ||
        size - section->sh_offset < section->sh_size || section->sh_offset % _Alignof(ElfW(Sym)))
        return st_error_set(error, STAPES_EMODEL, "is damaged: its table of symbols lies outside of it");
    names = &sections[section->sh_link];
    if (names->sh_offset > size || size - names->sh_offset < names->sh_size || !names->sh_size ||
        file[names->sh_offset + names->sh_size - 1])
        return st_error_set(error, STAPES_EMODEL, "is damaged: the names of its symbols lie outside of it");
    for (uint64_t i = 1; i < section->sh_size / sizeof(ElfW(Sym)); i++) {
        ElfW(Sym) symbol;
        memcpy(&symbol, file + section->sh_offset + i * sizeof symbol, sizeof symbol);
        if (symbol.st_shndx == SHN_UNDEF && symbol.st_name && symbol.st_name < names->sh_size)
            found(user, (const char *)file + names->sh_offset + symbol.st_name);
    }
    return STAPES_OK;
}

static int read_sections(const unsigned char *file, size_t size, void (*found)(void *user, const char *name),
                         void *user, stapes_error *error)
{
    ElfW(Ehdr) header;
    const ElfW(Shdr) * sections;
    memcpy(&header, file, sizeof header);
    if (header.e_shoff > size || header.e_shentsize != sizeof *sections ||
        header.e_shoff % _Alignof(ElfW(Shdr)) || (size - header.e_shoff) / sizeof *sections < header.e_shnum)
        return st_error_set(error, STAPES_EMODEL, "has no readable table of sections");
    sections = (const void *)(file + header.e_shoff);
    for (uint32_t i = 0; i < header.e_shnum; i++)
        if (sections[i].sh_type == SHT_DYNSYM)
            return read_imports(file, size, sections, header.e_shnum, &sections[i], found, user, error);
    return st_error_set(error, STAPES_EMODEL, "has no table of dynamic symbols");
}

int st_object_imports(const char *path, void (*found)(void *user, const char *name), void *user,
                      stapes_error *error)
{
    struct stat about;
    void       *mapping;
    int         file, status = st_object_check(path, error);
    if (status < 0) return status;
    file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &about) || about.st_size < (off_t)sizeof(ElfW(Ehdr))) {
        if (file >= 0) (void)close(file);
        return st_error_set(error, STAPES_EMODEL, "cannot be read");
    }
    mapping = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    (void)close(file);
    if (mapping == MAP_FAILED)
        return st_error_set(error, STAPES_ESYSTEM, "cannot be mapped: %s", strerror(errno));
    status = read_sections(mapping, (size_t)about.st_size, found, user, error);
    (void)munmap(mapping, (size_t)about.st_size);
    return status;
}
