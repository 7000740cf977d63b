#pragma once

#include "parsers/result.h"
#include "storage/store.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

// Incidents that may not be forgotten, because somebody said so. Also while a daemon writes the
// database: the only rows that another process may write. Each hold stays on record for as long as
// its incident does, also when it was lifted. Blocking.
namespace runnerwatch {

struct LegalHold {
    std::string incident;  // key
    std::int64_t number = 0;
    std::string title;
    Timestamp at{};  // our clock
    std::string by, reason;
    std::optional<Timestamp> released_at;
    std::string released_by;
};

enum class HoldOutcome { done, no_such_incident, as_it_was };

// `id`: number, ULID or key. as_it_was: it is on hold already.
Result<HoldOutcome, StoreError> hold_incident(const std::filesystem::path& database,
                                              const std::string& id, const std::string& by,
                                              const std::string& reason, Timestamp now);

// as_it_was: it is not on hold.
Result<HoldOutcome, StoreError> release_incident(const std::filesystem::path& database,
                                                 const std::string& id, const std::string& by,
                                                 Timestamp now);

// All of them, those in force first, then the newest first.
Result<std::vector<LegalHold>, StoreError> legal_holds(const std::filesystem::path& database);

}  // namespace runnerwatch
