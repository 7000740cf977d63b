#pragma once

#include "parsers/result.h"
#include "storage/store.h"

#include <filesystem>
#include <memory>
#include <optional>

namespace runnerwatch {

// Why a database may not lie on a file system with this magic number (statfs(2), linux/magic.h):
// a network one keeps neither SQLite's locks nor its shared memory. Nothing for all others.
std::optional<StoreError> refuse_network(unsigned long magic, const std::filesystem::path& file);

// The right to write a database file, held as a lock of the operating system on FILE.lock until
// destruction or the end of the process, however it ends.
class WriterLock {
public:
    // Refused with a sentence: somebody else holds it (named by process id), the folder cannot be
    // written, or the file system is one on which locks and mmap of SQLite cannot be trusted.
    static Result<std::unique_ptr<WriterLock>, StoreError> take(const std::filesystem::path& file);
    ~WriterLock();
    WriterLock(const WriterLock&) = delete;
    WriterLock& operator=(const WriterLock&) = delete;

private:
    explicit WriterLock(int descriptor) : descriptor_(descriptor) {}
    int descriptor_;
};

}  // namespace runnerwatch
