#pragma once

#include "parsers/record.h"
#include "storage/change_set.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace runnerwatch {

// Messages of warning and worse that no rule takes and no notice knows, grouped by what stays of
// them when numbers, ids, addresses and paths are taken out: what is not covered yet.
//
// Pure: no clock, no I/O. Counts, the first and last time, and the first record as an example
// (redacted). At most `templates_max` templates; records of further ones are only counted. What it
// changes is fetched with take_changes() and comes back with load().
class UnclassifiedBook {
public:
    static constexpr std::size_t templates_max = 2'000;
    static constexpr std::size_t example_bytes_max = 2'000;

    // Whether a record is such a message, if no rule takes it.
    static bool concerns(const Record& record) {
        return record.level >= Level::warning && !record.message.empty();
    }

    // The same of raw bytes, cheaply: no false "no".
    static bool may_concern(std::string_view raw);

    void load(const StoredState& state);

    // Counts a record. `raw`: its physical lines; `source`: where it stands, for people; `at`: its
    // time, if it has one. The template, or nullptr past the limit.
    const TemplateRow* observe(const Record& record, std::string_view raw,
                               const std::string& source, std::optional<Timestamp> at,
                               Timestamp now);

    ChangeSet take_changes();

    const TemplateRow* find(const std::string& id) const;
    const std::map<std::string, TemplateRow>& templates() const { return templates_; }
    std::uint64_t beyond() const { return beyond_; }  // records past the limit, since the start

private:
    std::map<std::string, TemplateRow> templates_;  // by id
    std::set<std::string> dirty_;
    std::uint64_t beyond_ = 0;
};

// What groups a record: level and masked message, and the masked error beside it, if it has one.
std::string template_text(const Record& record);

// The id of a template: "t-" and ten hex digits, the same in every process.
std::string template_id(std::string_view text);

}  // namespace runnerwatch
