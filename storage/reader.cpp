#include "storage/canonical_dump.h"
#include "storage/row_io.h"
#include "storage/schema.h"
#include "storage/store.h"
#include "storage/store_error.h"

#include <algorithm>
#include <cctype>

namespace runnerwatch {

struct Reader::Impl {
    explicit Impl(const std::string& name) : file(name), connection(name, OpenMode::read_only) {}

    template <class Query>
    auto ask(Query&& query) -> Result<decltype(query(std::declval<Connection&>())), StoreError> {
        try {
            const Transaction as_of_one_commit(connection, Transaction::Kind::reading);
            return query(connection);
        } catch (const SqliteError& error) {
            return failure(store_error(error, file, Doing::reading));
        }
    }

    std::string file;
    Connection connection;
};

Reader::Reader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Reader::~Reader() = default;

Result<std::unique_ptr<Reader>, StoreError> Reader::open(const std::filesystem::path& file) {
    const std::string name = file.string();
    try {
        auto impl = std::make_unique<Impl>(name);
        if (!is_ours(impl->connection)) return failure(foreign_database(name));
        const std::int64_t version = impl->connection.user_version();
        const std::size_t known = migrations().size();
        if (version > static_cast<std::int64_t>(known))
            return failure(newer_version(name, version, known));
        if (version < static_cast<std::int64_t>(known))
            return failure(older_version(name, version, known));
        return std::unique_ptr<Reader>(new Reader(std::move(impl)));
    } catch (const SqliteError& error) {
        return failure(store_error(error, name, Doing::reading));
    }
}

Result<std::vector<IncidentRow>, StoreError> Reader::incidents(const IncidentFilter& filter) {
    return impl_->ask([&](Connection& connection) {
        std::string where;
        const auto add = [&](const std::string& condition) {
            where += (where.empty() ? "WHERE " : " AND ") + condition;
        };
        if (!filter.states.empty()) {
            std::string words;
            for (const auto state : filter.states)
                words += (words.empty() ? "'" : ", '") + std::string(to_string(state)) + "'";
            add("state IN (" + words + ")");
        }
        if (!filter.rule.empty()) add("rule = ?1");
        if (!filter.namespace_.empty()) add("namespace = ?2");
        Statement query(connection, "SELECT " + column_list<IncidentRow>() + " FROM incident " +
                                        where + " ORDER BY last_seen DESC, number DESC LIMIT " +
                                        std::to_string(filter.limit));
        if (!filter.rule.empty()) query.bind(1, std::string_view(filter.rule));
        if (!filter.namespace_.empty()) query.bind(2, std::string_view(filter.namespace_));
        return rows_of<IncidentRow>(query);
    });
}

Result<std::optional<IncidentDetail>, StoreError> Reader::incident(std::string_view id) {
    return impl_->ask([&](Connection& connection) -> std::optional<IncidentDetail> {
        if (!id.empty() && id.front() == '#') id.remove_prefix(1);
        const bool is_number =
            !id.empty() && id.size() < 19 &&
            std::all_of(id.begin(), id.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
        const std::string column = is_number ? "number" : id.size() == 26 ? "ulid" : "key";
        Statement& query = connection.prepared("SELECT " + column_list<IncidentRow>() +
                                               " FROM incident WHERE " + column + " = ?");
        if (is_number)
            query.bind(1, std::int64_t{std::stoll(std::string(id))});
        else
            query.bind(1, id);
        auto found = rows_of<IncidentRow>(query);
        if (found.empty()) return std::nullopt;
        IncidentDetail detail;
        detail.incident = std::move(found.front());
        const auto of_incident = [&](const std::string& sql) -> Statement& {
            Statement& statement = connection.prepared(sql);
            statement.bind(1, std::string_view(detail.incident.key));
            return statement;
        };
        const std::string where = " WHERE incident = ? ORDER BY ";
        detail.members = rows_of<MemberRow>(
            of_incident("SELECT " + column_list<MemberRow>() + " FROM member" + where + "member"));
        detail.timeline = rows_of<TimelineRow>(of_incident("SELECT " + column_list<TimelineRow>() +
                                                           " FROM timeline" + where + "change"));
        detail.evidence = rows_of<EvidenceRow>(of_incident("SELECT " + column_list<EvidenceRow>() +
                                                           " FROM evidence" + where + "ordinal"));
        return detail;
    });
}

Result<std::vector<CoverageRow>, StoreError> Reader::coverage() {
    return impl_->ask([](Connection& connection) {
        return select<CoverageRow>(connection, "ORDER BY instance, ordinal");
    });
}

Result<std::vector<CoverageRow>, StoreError> Reader::open_coverage() {
    return impl_->ask([](Connection& connection) {
        return select<CoverageRow>(connection, "WHERE ordinal = " + std::to_string(read_ordinal) +
                                                   " OR \"to\" IS NULL ORDER BY instance, ordinal");
    });
}

Result<CoverageRows, StoreError> Reader::coverage_rows() {
    return impl_->ask([](Connection& connection) {
        CoverageRows rows;
        rows.sources = select<SourceRow>(connection);
        rows.positions = select<PositionRow>(connection);
        for (PositionRow& row : rows.positions) row.blob.clear();
        rows.coverage = select<CoverageRow>(connection, "ORDER BY instance, ordinal");
        return rows;
    });
}

Result<std::vector<PositionRow>, StoreError> Reader::positions() {
    return impl_->ask([](Connection& connection) {
        return select<PositionRow>(connection, "ORDER BY instance");
    });
}

Result<std::vector<TemplateRow>, StoreError> Reader::templates() {
    return impl_->ask([](Connection& connection) {
        return select<TemplateRow>(connection, "ORDER BY count DESC, id");
    });
}

Result<std::optional<std::string>, StoreError> Reader::meta(const std::string& name) {
    return impl_->ask([&](Connection& connection) {
        Statement query(connection, "SELECT value FROM meta WHERE name = ?");
        query.bind(1, std::string_view(name));
        return query.step() ? std::optional(query.text(0)) : std::nullopt;
    });
}

Result<std::string, StoreError> Reader::canonical_dump() {
    return impl_->ask([](Connection& connection) { return dump_canonically(connection); });
}

}  // namespace runnerwatch
