#include "storage/database_copy.h"

#include "storage/durable_rename.h"
#include "storage/schema.h"
#include "storage/sqlite.h"
#include "storage/store_error.h"
#include "storage/writer_lock.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace runnerwatch {

namespace {

void remove_files_of(const std::string& file) {
    std::error_code ignored;
    for (const char* part : {"", "-journal", "-wal", "-shm"})
        std::filesystem::remove(file + part, ignored);
}

// A file that goes unless it was renamed.
class Unfinished {
public:
    explicit Unfinished(std::string file) : name(std::move(file)) { remove_files_of(name); }
    ~Unfinished() { remove_files_of(name); }
    Unfinished(const Unfinished&) = delete;
    Unfinished& operator=(const Unfinished&) = delete;

    const std::string name;
};

// Whoever could read and write `model` can do so with `file`; as far as we may decide that.
void make_like(const std::string& file, const std::string& model) {
    struct stat before {};
    if (::stat(model.c_str(), &before) != 0) return;
    static_cast<void>(!::chown(file.c_str(), before.st_uid, before.st_gid));
    static_cast<void>(!::chmod(file.c_str(), before.st_mode & 07777));
}

// An error if the copy cannot be trusted. `origin`: what it was made of.
Result<DatabaseCheck, StoreError> verified(const std::string& copy, const std::string& origin,
                                           Doing doing) {
    auto check = check_database(copy);
    if (!check) return check;
    if (!check->damage.empty()) return failure(damaged(origin, check->damage.front(), doing));
    if (check->schema == 0) return failure(damaged(origin, "nothing was written to it yet", doing));
    return check;
}

void move(const std::string& from, const std::string& to) {
    if (::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT)
        throw SqliteError(SQLITE_IOERR, "renaming " + from + " to " + to + " failed", errno);
}

// Keeps what stands at `file` under another name, while it goes on to stand there. Its write-ahead
// log goes with it: replayed into another database it would destroy that.
void keep(const std::string& file, const std::string& kept) {
    if (::link(file.c_str(), kept.c_str()) != 0)
        throw SqliteError(SQLITE_IOERR, "keeping the database as " + kept + " failed", errno);
    move(file + "-wal", kept + "-wal");
    std::error_code ignored;
    std::filesystem::remove(file + "-shm", ignored);
    sync_folder_of(file);
}

}  // namespace

Result<DatabaseCheck, StoreError> back_up_database(const std::filesystem::path& database,
                                                   const std::filesystem::path& to,
                                                   const BackupOptions& options) {
    const std::string from = database.string(), name = to.string();
    std::error_code error;
    if (std::filesystem::equivalent(database, to, error))
        return failure(would_replace(Doing::backing_up, "the backup would replace the database",
                                     from, "Name another file for the backup."));
    if (!options.overwrite && std::filesystem::exists(to, error))
        return failure(would_replace(Doing::backing_up, name + " exists already", from,
                                     "Name another file, or say --force to replace it."));
    try {
        const Unfinished copy(name + ".unfinished");
        {
            Connection connection(from, OpenMode::read_only);
            if (!is_ours(connection)) return failure(foreign_database(from));
            connection.copy_to(copy.name, options.progress);
        }
        make_like(copy.name, from);
        auto check = verified(copy.name, from, Doing::backing_up);
        if (check) rename_durably(copy.name, name);
        return check;
    } catch (const SqliteError& failed) {
        return failure(store_error(failed, from, Doing::backing_up));
    }
}

Result<Restored, StoreError> restore_database(const std::filesystem::path& backup,
                                              const std::filesystem::path& database,
                                              const std::string& suffix) {
    const std::string from = backup.string(), name = database.string();
    std::error_code error;
    if (std::filesystem::equivalent(backup, database, error))
        return failure(would_replace(Doing::restoring, "it is the backup itself", name,
                                     "Name the database that the backup is to replace."));
    auto lock = WriterLock::take(database);
    if (!lock) return failure(lock.error());
    Restored restored;
    try {
        const Unfinished copy(name + ".restoring");
        Connection(from, OpenMode::read_only).copy_to(copy.name);
        auto check = verified(copy.name, from, Doing::restoring);
        if (!check) return failure(check.error());
        restored.check = std::move(*check);
        if (std::filesystem::exists(database)) {
            restored.kept = name + ".replaced-" + suffix;
            make_like(copy.name, name);
            keep(name, restored.kept);
        }
        // Of a database that is gone.
        remove_files_of(name + "-wal");
        remove_files_of(name + "-shm");
        rename_durably(copy.name, name);
        return restored;
    } catch (const SqliteError& failed) {
        return failure(
            store_error(failed, restored.check.schema == 0 ? from : name, Doing::restoring));
    }
}

Result<Vacuumed, StoreError> vacuum_database(const std::filesystem::path& database) {
    const std::string name = database.string();
    auto lock = WriterLock::take(database);
    if (!lock) return failure(lock.error());
    try {
        const Unfinished copy(name + ".vacuuming");
        Vacuumed vacuumed;
        std::int64_t incidents = 0;
        {
            // Opening for writing would make one that is not there.
            Connection(name, OpenMode::read_only).user_version();
            Connection connection(name, OpenMode::read_write);
            if (!is_ours(connection)) return failure(foreign_database(name));
            if (const auto version = connection.user_version();
                version != static_cast<std::int64_t>(migrations().size()))
                return failure(version > static_cast<std::int64_t>(migrations().size())
                                   ? newer_version(name, version, migrations().size())
                                   : older_version(name, version, migrations().size()));
            // Folds the write-ahead log into the file, which is possible only while nobody else has
            // it open: nobody can look at the file that is replaced, and no log is left.
            connection.execute("PRAGMA journal_mode = DELETE");
            vacuumed.bytes_before = std::filesystem::file_size(database);
            incidents = connection.number("SELECT count(*) FROM incident");
            Statement vacuum(connection, "VACUUM INTO ?");
            vacuum.bind(1, std::string_view(copy.name));
            vacuum.run();
        }
        {
            // Rows without a number of their own may be given others.
            Connection connection(copy.name, OpenMode::read_write);
            connection.execute("INSERT INTO evidence_text(evidence_text) VALUES ('rebuild')");
            connection.execute("INSERT INTO evidence_text(evidence_text) VALUES ('optimize')");
        }
        make_like(copy.name, name);
        const auto check = verified(copy.name, name, Doing::vacuuming);
        if (!check) return failure(check.error());
        if (check->incidents != incidents)
            return failure(damaged(name, "the copy lacks incidents", Doing::vacuuming));
        vacuumed.bytes_after = std::filesystem::file_size(copy.name);
        rename_durably(copy.name, name);
        return vacuumed;
    } catch (const SqliteError& failed) {
        return failure(store_error(failed, name, Doing::vacuuming));
    }
}

}  // namespace runnerwatch
