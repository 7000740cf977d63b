#pragma once

#include "storage/row_io.h"
#include "storage/store.h"
#include "storage/store_error.h"

#include <string>
#include <utility>

// The inside of the reader, shared by its .cpp files and by nobody else.
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

}  // namespace runnerwatch
