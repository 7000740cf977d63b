#pragma once

#include <sqlite3.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <stdexcept>

namespace runnerwatch {

// While it lives, every connection that is opened uses files whose disk can be told to fail: what a
// broken disk, a cable or a volume that was taken away does. One at a time.
class FailingDisk {
public:
    FailingDisk() {
        real_ = sqlite3_vfs_find(nullptr);
        vfs_ = *real_;
        vfs_.zName = "failing";
        vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
        vfs_.xOpen = open;
        if (sqlite3_vfs_register(&vfs_, 1) != SQLITE_OK) throw std::runtime_error("no VFS");
    }
    ~FailingDisk() {
        sqlite3_vfs_unregister(&vfs_);
        sqlite3_vfs_register(real_, 1);
    }
    FailingDisk(const FailingDisk&) = delete;
    FailingDisk& operator=(const FailingDisk&) = delete;

    static inline std::atomic<int> write_errno = 0;  // what the system says of a failing write
    static inline std::atomic<bool> writes_fail = false, reads_fail = false, syncs_fail = false;

private:
    // Before each file of the real one: its methods, with ours for what can fail.
    struct File {
        sqlite3_file base;
        sqlite3_io_methods methods;
    };
    static sqlite3_file* real(sqlite3_file* file) {
        return reinterpret_cast<sqlite3_file*>(reinterpret_cast<char*>(file) + sizeof(File));
    }
    template <auto Method, class... Arguments>
    static int pass(sqlite3_file* file, Arguments... arguments) {
        return (real(file)->pMethods->*Method)(real(file), arguments...);
    }
    static int write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 at) {
        if (writes_fail) {
            errno = write_errno;
            return SQLITE_IOERR_WRITE;
        }
        return pass<&sqlite3_io_methods::xWrite>(file, bytes, size, at);
    }
    static int read(sqlite3_file* file, void* bytes, int size, sqlite3_int64 at) {
        if (reads_fail) return SQLITE_IOERR_READ;
        return pass<&sqlite3_io_methods::xRead>(file, bytes, size, at);
    }
    static int sync(sqlite3_file* file, int flags) {
        if (syncs_fail) return SQLITE_IOERR_FSYNC;
        return pass<&sqlite3_io_methods::xSync>(file, flags);
    }
    static int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
        auto* ours = reinterpret_cast<File*>(file);
        std::memset(ours, 0, sizeof *ours);
        const int code = real_->xOpen(real_, name, real(file), flags, out);
        if (!real(file)->pMethods) return code;
        sqlite3_io_methods& methods = ours->methods;
        methods.iVersion = 2;  // without mmap of the file
        methods.xClose = pass<&sqlite3_io_methods::xClose>;
        methods.xRead = read;
        methods.xWrite = write;
        methods.xTruncate = pass<&sqlite3_io_methods::xTruncate, sqlite3_int64>;
        methods.xSync = sync;
        methods.xFileSize = pass<&sqlite3_io_methods::xFileSize, sqlite3_int64*>;
        methods.xLock = pass<&sqlite3_io_methods::xLock, int>;
        methods.xUnlock = pass<&sqlite3_io_methods::xUnlock, int>;
        methods.xCheckReservedLock = pass<&sqlite3_io_methods::xCheckReservedLock, int*>;
        methods.xFileControl = pass<&sqlite3_io_methods::xFileControl, int, void*>;
        methods.xSectorSize = pass<&sqlite3_io_methods::xSectorSize>;
        methods.xDeviceCharacteristics = pass<&sqlite3_io_methods::xDeviceCharacteristics>;
        methods.xShmMap = pass<&sqlite3_io_methods::xShmMap, int, int, int, void volatile**>;
        methods.xShmLock = pass<&sqlite3_io_methods::xShmLock, int, int, int>;
        methods.xShmBarrier = [](sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); };
        methods.xShmUnmap = pass<&sqlite3_io_methods::xShmUnmap, int>;
        ours->base.pMethods = &methods;
        return code;
    }

    static inline sqlite3_vfs* real_ = nullptr;
    sqlite3_vfs vfs_{};
};

}  // namespace runnerwatch
