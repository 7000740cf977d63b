#include "storage/durable_rename.h"

#include "storage/sqlite.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace runnerwatch {

namespace {

[[noreturn]] void fail(const std::string& doing, const std::string& file, int system) {
    throw SqliteError(SQLITE_IOERR, doing + " " + file + " failed", system);
}

void sync(const std::string& name, int flags) {
    const int descriptor = ::open(name.c_str(), flags | O_CLOEXEC);
    if (descriptor < 0) fail("opening", name, errno);
    const int failed = ::fsync(descriptor) == 0 ? 0 : errno;
    ::close(descriptor);
    if (failed != 0) fail("syncing", name, failed);
}

}  // namespace

void sync_folder_of(const std::string& file) {
    const std::filesystem::path folder = std::filesystem::path(file).parent_path();
    sync(folder.empty() ? "." : folder.string(), O_RDONLY | O_DIRECTORY);
}

void rename_durably(const std::string& file, const std::string& to) {
    sync(file, O_RDONLY);
    if (::rename(file.c_str(), to.c_str()) != 0) fail("renaming to", to, errno);
    sync_folder_of(to);
}

}  // namespace runnerwatch
