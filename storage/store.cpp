#include "storage/store.h"

#include "parsers/digest.h"
#include "storage/forgetting.h"
#include "storage/row_io.h"
#include "storage/schema.h"
#include "storage/store_error.h"
#include "storage/writer_lock.h"

#include <algorithm>
#include <charconv>
#include <random>

namespace runnerwatch {

namespace {

constexpr const char* last_number = "last_number";

std::optional<std::string> meta(Connection& connection, const std::string& name) {
    Statement& query = connection.prepared("SELECT value FROM meta WHERE name = ?");
    query.bind(1, std::string_view(name));
    const StatementReset at_end(query);
    return query.step() ? std::optional(query.text(0)) : std::nullopt;
}

void set_meta(Connection& connection, const std::string& name, const std::string& value) {
    Statement& put = connection.prepared(
        "INSERT INTO meta (name, value) VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value");
    put.bind(1, std::string_view(name));
    put.bind(2, std::string_view(value));
    put.run();
}

std::string new_database_id() {
    std::random_device source;
    std::string bytes;
    for (int i = 0; i < 8; ++i) bytes += std::to_string(source()) + ".";
    return sha256_hex(bytes).substr(0, 32);
}

std::int64_t number_of(Connection& connection, const std::string& key) {
    Statement& query = connection.prepared("SELECT number FROM incident WHERE key = ?");
    query.bind(1, std::string_view(key));
    const StatementReset at_end(query);
    return query.step() ? query.number(0) : 0;
}

std::int64_t last_number_of(Connection& connection) {
    const std::string text = meta(connection, last_number).value_or("0");
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size())
        throw SqliteError(11 /* SQLITE_CORRUPT */, "the last number given is \"" + text + "\"");
    return number;
}

// Numbers are what people say aloud: given once, in the order of opening, never again.
CommitResult put_incidents(Connection& connection,
                           const ChangeSet::Rows<std::string, IncidentRow>& incidents) {
    CommitResult result;
    std::vector<const IncidentRow*> fresh;
    for (const auto& [key, row] : incidents) {
        if (!row) {
            remove<IncidentRow>(connection, key);
            continue;
        }
        const std::int64_t number = number_of(connection, key);
        if (number == 0)
            fresh.push_back(&*row);
        else
            result.numbers[key] = number;
    }
    std::sort(fresh.begin(), fresh.end(), [](const auto* a, const auto* b) {
        return std::tie(a->noted_at, a->first_seen, a->key) <
               std::tie(b->noted_at, b->first_seen, b->key);
    });
    std::int64_t last = last_number_of(connection);
    for (const auto* row : fresh) result.numbers[row->key] = ++last;
    if (!fresh.empty()) set_meta(connection, last_number, std::to_string(last));
    for (const auto& [key, row] : incidents) {
        if (!row) continue;
        IncidentRow numbered = *row;
        numbered.number = result.numbers.at(key);
        put(connection, numbered);
    }
    return result;
}

}  // namespace

struct Store::Impl {
    Impl(std::unique_ptr<WriterLock> held, const std::string& name)
        : lock(std::move(held)), file(name), connection(name, OpenMode::read_write) {}

    std::unique_ptr<WriterLock> lock;
    std::string file;
    Connection connection;
    std::string database_id;
};

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;

const std::string& Store::database_id() const { return impl_->database_id; }

Result<std::unique_ptr<Store>, StoreError> Store::open(const std::filesystem::path& file) {
    auto lock = WriterLock::take(file);
    if (!lock) return failure(lock.error());
    const std::string name = file.string();
    Doing doing = Doing::opening;
    try {
        auto impl = std::make_unique<Impl>(std::move(*lock), name);
        Connection& connection = impl->connection;
        if (!is_ours(connection)) return failure(foreign_database(name));
        const std::int64_t version = connection.user_version();
        if (version > static_cast<std::int64_t>(migrations().size()))
            return failure(newer_version(name, version, migrations().size()));
        if (connection.read_only()) return failure(read_only_file(name));
        connection.execute("PRAGMA journal_mode = WAL");
        connection.execute("PRAGMA synchronous = FULL");
        doing = version == 0 ? Doing::opening : Doing::migrating;
        migrate(connection, name, migrations());
        doing = Doing::opening;
        auto id = meta(connection, "database_id");
        if (!id) {
            id = new_database_id();
            set_meta(connection, "database_id", *id);
        }
        impl->database_id = *id;
        return std::unique_ptr<Store>(new Store(std::move(impl)));
    } catch (const SqliteError& error) {
        return failure(store_error(error, name, doing));
    }
}

Result<StoredState, StoreError> Store::load(Timestamp ended_since) {
    Connection& connection = impl_->connection;
    try {
        StoredState state;
        state.database_id = impl_->database_id;
        state.identities = select<IdentityRow>(connection);
        const std::string since = std::to_string(ended_since.time_since_epoch().count());
        // Whoever is merged with one of them is told together with it.
        const std::string alive =
            "(WITH RECURSIVE alive(key) AS (SELECT key FROM incident WHERE state IN ('open', "
            "'recovering', 'cannot_tell') OR coalesce(ended_at, last_seen, noted_at) >= " +
            since + " OR snoozed_until >= " + since +
            " UNION SELECT merged_into FROM incident JOIN alive USING (key) "
            "WHERE merged_into <> '' "
            "UNION SELECT incident.key FROM incident JOIN alive ON "
            "incident.merged_into = alive.key) SELECT key FROM alive)";
        state.incidents = select<IncidentRow>(connection, "WHERE key IN " + alive);
        state.members = select<MemberRow>(connection, "WHERE incident IN " + alive);
        state.evidence = select<EvidenceRow>(connection, "WHERE incident IN " + alive);
        state.pending = select<PendingRow>(connection);
        state.sources = select<SourceRow>(connection);
        state.recovery_marks = select<RecoveryMarkRow>(connection);
        state.positions = select<PositionRow>(connection);
        Statement ordinals(connection,
                           "SELECT instance, max(ordinal) FROM coverage GROUP BY instance");
        while (ordinals.step()) state.coverage_ordinals[ordinals.text(0)] = ordinals.number(1);
        state.templates = select<TemplateRow>(connection);
        state.outbox = select<OutboxRow>(connection);
        state.outbox_incidents = select<OutboxIncidentRow>(connection);
        state.alertmanager_sent = select<AlertmanagerSentRow>(connection);
        state.idempotency = select<IdempotencyRow>(connection);
        Statement values(connection, "SELECT name, value FROM meta");
        while (values.step()) state.meta[values.text(0)] = values.text(1);
        return state;
    } catch (const SqliteError& error) {
        return failure(store_error(error, impl_->file, Doing::reading));
    }
}

Result<CommitResult, StoreError> Store::commit(const ChangeSet& changes) {
    Connection& connection = impl_->connection;
    try {
        Transaction transaction(connection);
        CommitResult result = put_incidents(connection, changes.incidents);
        put_all(connection, changes.identities);
        put_all(connection, changes.members);
        put_all(connection, changes.pending);
        put_all(connection, changes.timeline);
        put_all(connection, changes.evidence);
        put_all(connection, changes.sources);
        put_all(connection, changes.recovery_marks);
        put_all(connection, changes.positions);
        put_all(connection, changes.coverage);
        put_all(connection, changes.templates);
        put_all(connection, changes.outbox);
        put_all(connection, changes.outbox_incidents);
        put_all(connection, changes.alertmanager_sent);
        put_all(connection, changes.audit);
        put_all(connection, changes.idempotency);
        for (const auto& attempt : changes.attempts) put(connection, attempt);
        for (const auto& [name, value] : changes.meta) set_meta(connection, name, value);
        transaction.commit();
        return result;
    } catch (const SqliteError& error) {
        return failure(store_error(error, impl_->file, Doing::writing));
    } catch (const std::exception& error) {
        // A defect, or no memory: as with a full disk, nothing is lost while it is tried again.
        return failure(unexpected(error.what(), impl_->file, Doing::writing));
    }
}

Result<Forgotten, StoreError> Store::forget(const RetentionRules& rules,
                                            const std::function<bool()>& may_go_on) {
    try {
        return forget_slice(impl_->connection, rules, may_go_on);
    } catch (const SqliteError& error) {
        return failure(store_error(error, impl_->file, Doing::writing));
    } catch (const std::exception& error) {
        return failure(unexpected(error.what(), impl_->file, Doing::writing));
    }
}

}  // namespace runnerwatch
