#include "storage/store_error.h"

#include "storage/schema.h"

#include <sqlite3.h>

namespace runnerwatch {

StoreError store_error(const SqliteError& error, const std::string& file,
                       const std::string& doing) {
    const std::string head = doing + " failed: " + error.what() + ". Database: " + file + ". ";
    switch (error.code) {
        case SQLITE_FULL:
            return {StoreError::Kind::full,
                    head +
                        "Free space on its disk (or raise the quota); nothing is lost "
                        "meanwhile: what is not written waits and is tried again."};
        case SQLITE_READONLY:
            return {StoreError::Kind::read_only,
                    head +
                        "Make the file and its folder writable for this user, or set "
                        "storage.database to a writable place."};
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return {StoreError::Kind::corrupt,
                    head +
                        "It is not a whole database of runnerwatch. Keep the file for "
                        "examination, put back a backup, or name another file to begin anew."};
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return {StoreError::Kind::locked,
                    head + "Another program holds it; end that program or wait."};
        case SQLITE_CANTOPEN:
            return {StoreError::Kind::io,
                    head +
                        "Check that its folder exists and that this user may enter it and "
                        "create files there."};
        default:
            return {StoreError::Kind::io, head +
                                              "Check the disk (dmesg, smartctl) and the "
                                              "permissions of file and folder."};
    }
}

StoreError newer_version(const std::string& file, std::int64_t found, std::size_t known) {
    return {StoreError::Kind::newer_version,
            "opening the database failed: it was written by a newer runnerwatch (schema " +
                std::to_string(found) + ", this program knows " + std::to_string(known) +
                "). Database: " + file + ". Start the newer program, or go back with the backup " +
                backup_name(file, static_cast<std::size_t>(found)) +
                " that it made before it changed the file."};
}

}  // namespace runnerwatch
