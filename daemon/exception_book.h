#pragma once

#include "daemon/metrics.h"
#include "parsers/exceptions.h"
#include "storage/change_set.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace runnerwatch {

// How often an exception kept something away, in all.
struct ExceptionHits {
    std::uint64_t count = 0;
    std::optional<Timestamp> last;  // our clock
};

// As they stand in the database: by the exception's id. Unreadable text is as none.
std::map<std::string, ExceptionHits> exception_hits_from(const std::string& json);
constexpr const char* exception_hits_name = "exception_hits";  // in `meta`

// The exceptions in force and their hits, which are committed with the positions of the lines that
// made them. Confined to the loop.
class ExceptionBook {
public:
    explicit ExceptionBook(Metrics& metrics) : metrics_(metrics) {}

    void load(const StoredState& state);
    void use(Exceptions exceptions) { exceptions_ = std::move(exceptions); }

    // Whether a detection, or a message of a template, is excepted; counts it.
    bool takes(const Detection& detection, const Record& record, Timestamp now);
    bool takes_template(const std::string& template_id, Timestamp now);

    void take_changes(ChangeSet& changes);

    // One sentence for each exception that has expired: somebody should look at it.
    std::vector<std::string> expired_words(Timestamp now) const;

private:
    bool count(const Exception* exception, Timestamp now);

    Metrics& metrics_;
    Exceptions exceptions_;
    std::map<std::string, ExceptionHits> hits_;  // by the exception's id
    bool dirty_ = false;
};

}  // namespace runnerwatch
