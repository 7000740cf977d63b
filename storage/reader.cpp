#include "storage/canonical_dump.h"
#include "storage/reader_impl.h"
#include "storage/schema.h"

namespace runnerwatch {

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

void Reader::interrupt_when(std::function<bool()> is_over) {
    impl_->connection.interrupt_when(std::move(is_over));
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
