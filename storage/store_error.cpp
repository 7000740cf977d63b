#include "storage/store_error.h"

#include "storage/schema.h"

#include <sqlite3.h>

#include <cerrno>
#include <cstring>

namespace runnerwatch {

namespace {

const char* words(Doing doing) {
    switch (doing) {
        case Doing::opening:
            return "opening the database";
        case Doing::migrating:
            return "bringing the database up to date";
        case Doing::reading:
            return "reading the database";
        case Doing::writing:
            return "writing to the database";
        case Doing::checking:
            return "checking the database";
        case Doing::backing_up:
            return "backing up the database";
        case Doing::restoring:
            return "restoring the database";
        case Doing::vacuuming:
            return "making the database small";
    }
    return "";
}

// What becomes of the data while a person looks for the cause.
const char* meanwhile(Doing doing) {
    switch (doing) {
        case Doing::opening:
        case Doing::migrating:
            return "; then start again: the file is as it was.";
        case Doing::reading:
        case Doing::checking:
            return ".";
        case Doing::backing_up:
            return "; then back up again: no half file was left.";
        case Doing::restoring:
        case Doing::vacuuming:
            return "; then try again: the database is as it was.";
        case Doing::writing:
            return "; nothing is lost meanwhile: what is not written waits and is tried again.";
    }
    return "";
}

// Quotas and limits on the size of a file reach SQLite as errors of the disk.
bool out_of_space(const SqliteError& error) {
    return error.code == SQLITE_FULL || error.system == ENOSPC || error.system == EDQUOT ||
           error.system == EFBIG;
}

// A file system that was made read-only under an open file says so by the error of the disk.
bool made_read_only(const SqliteError& error) {
    return error.code == SQLITE_READONLY || error.system == EROFS;
}

StoreError in_four_parts(StoreError::Kind kind, Doing doing, const std::string& why,
                         const std::string& file, const std::string& advice) {
    return {kind,
            std::string(words(doing)) + " failed: " + why + ". Database: " + file + ". " + advice};
}

}  // namespace

StoreError store_error(const SqliteError& error, const std::string& file, Doing doing) {
    std::string why = error.what();
    if (error.system != 0) why += std::string(" (") + std::strerror(error.system) + ")";
    const auto say = [&](StoreError::Kind kind, const std::string& advice) {
        return in_four_parts(kind, doing, why, file, advice);
    };
    const std::string then = meanwhile(doing);
    if (out_of_space(error))
        return say(StoreError::Kind::full,
                   "Free space on its disk, or raise the quota or limit that holds it" + then);
    if (made_read_only(error))
        return say(StoreError::Kind::read_only,
                   std::string(error.system == EROFS
                                   ? "Its file system is mounted read-only, which a fault of the "
                                     "disk may have caused (dmesg): mount it for writing"
                                   : "Make the file and its folder writable for this user") +
                       then);
    switch (error.code) {
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return say(StoreError::Kind::corrupt,
                       "It is not a whole database of runnerwatch. Keep the file for "
                       "examination, put back a backup, or name another file to begin anew.");
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return say(StoreError::Kind::locked,
                       "Another program holds it (`fuser` names it): wait, or end it" + then);
        case SQLITE_INTERRUPT:
            return say(StoreError::Kind::too_long,
                       "It took longer than it was given: ask for less" + then);
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
            return say(
                StoreError::Kind::io,
                std::string("Check that it exists and that this user may enter its folder "
                            "and read ") +
                    (doing == Doing::reading || doing == Doing::checking ? "it"
                                                                         : "and write there") +
                    then);
        default:
            return say(
                StoreError::Kind::io,
                "Check the disk (dmesg, smartctl) and the permissions of file and folder" + then);
    }
}

StoreError newer_version(const std::string& file, std::int64_t found, std::size_t known) {
    return in_four_parts(StoreError::Kind::newer_version, Doing::opening,
                         "it was written by a newer runnerwatch (schema " + std::to_string(found) +
                             ", this program knows " + std::to_string(known) + ")",
                         file,
                         "Start the newer program, or go back with the backup " +
                             backup_name(file, static_cast<std::size_t>(found)) +
                             " that it made before it changed the file.");
}

StoreError older_version(const std::string& file, std::int64_t found, std::size_t known) {
    return in_four_parts(StoreError::Kind::older_version, Doing::reading,
                         found == 0 ? "nothing has been written to it yet"
                                    : "it has schema " + std::to_string(found) +
                                          ", this program reads " + std::to_string(known),
                         file, "Start the daemon on it once: it brings the file up to date.");
}

StoreError foreign_database(const std::string& file) {
    return in_four_parts(StoreError::Kind::corrupt, Doing::opening,
                         "it is a database of another program", file,
                         "Name a file of its own in storage.database; this one was not touched.");
}

StoreError damaged(const std::string& file, const std::string& why, Doing doing) {
    return in_four_parts(
        StoreError::Kind::corrupt, doing, why, file,
        doing == Doing::restoring
            ? "The database was not touched. Take an older backup; `runnerwatch db check` says "
              "what "
              "is wrong with one."
            : "Nothing was replaced. `runnerwatch db check` says all that is wrong; keep the file "
              "for examination and put back a backup (`runnerwatch db restore`).");
}

StoreError would_replace(Doing doing, const std::string& why, const std::string& file,
                         const std::string& advice) {
    return in_four_parts(StoreError::Kind::exists, doing, why, file, advice);
}

StoreError unexpected(const std::string& why, const std::string& file, Doing doing) {
    return in_four_parts(
        StoreError::Kind::io, doing, "an error of the program itself: " + why, file,
        std::string("If it stays, start the daemon again, and report it") + meanwhile(doing));
}

StoreError read_only_file(const std::string& file) {
    return in_four_parts(StoreError::Kind::read_only, Doing::opening,
                         "the file cannot be written by this user", file,
                         "Make the file and its folder writable for this user, or set "
                         "storage.database to a writable place.");
}

}  // namespace runnerwatch
