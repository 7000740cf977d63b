#include "alerts/unclassified.h"

#include "parsers/digest.h"
#include "parsers/fingerprint.h"
#include "parsers/line_shape.h"
#include "parsers/redaction.h"
#include "parsers/visible_text.h"

#include <algorithm>
#include <utility>

namespace runnerwatch {

std::string template_text(const Record& record) {
    const std::string line = record.message.substr(0, record.message.find('\n'));
    std::string text = std::string(to_string(record.level)) + ": " + masked(redact(line));
    for (const char* name : {"error", "err"})
        if (const std::string* value = record.field(name)) {
            text += std::string("  ") + name + "=" +
                    masked(redact(value->substr(0, value->find('\n'))));
            break;
        }
    return visible_text(text);
}

std::string template_id(std::string_view text) {
    const std::string versioned = std::to_string(mask_version) + '\0' + std::string(text);
    return "t-" + sha256_hex(versioned).substr(0, 10);
}

bool UnclassifiedBook::may_concern(std::string_view raw) {
    if (shape_of_line(raw.substr(0, raw.find('\n'))).level >= Level::warning) return true;
    // logfmt and JSON have the level in a field, wherever it stands.
    for (std::size_t at = 0; (at = raw.find("level", at)) != std::string_view::npos; ++at) {
        std::string_view value = raw.substr(at + 5);
        value.remove_prefix(std::min(value.find_first_not_of("\":= "), value.size()));
        for (const char* word : {"warn", "error", "fatal", "panic"})
            if (value.starts_with(word)) return true;
    }
    return false;
}

void UnclassifiedBook::load(const StoredState& state) {
    for (const TemplateRow& row : state.templates) templates_[row.id] = row;
}

const TemplateRow* UnclassifiedBook::observe(const Record& record, std::string_view raw,
                                             const std::string& source, std::optional<Timestamp> at,
                                             Timestamp now) {
    std::string text = template_text(record);
    const std::string id = template_id(text);
    auto found = templates_.find(id);
    if (found == templates_.end()) {
        if (templates_.size() == templates_max) {
            ++beyond_;
            return nullptr;
        }
        TemplateRow row;
        row.id = id;
        row.text = std::move(text);
        row.level = to_string(record.level);
        row.example = shortened(redact(raw), example_bytes_max);
        row.first_seen = at;
        row.noted_at = now;
        found = templates_.emplace(id, std::move(row)).first;
    }
    TemplateRow& row = found->second;
    ++row.count;
    row.source = source;
    if (at && (!row.first_seen || *at < *row.first_seen)) row.first_seen = at;
    if (at && (!row.last_seen || *at > *row.last_seen)) row.last_seen = at;
    dirty_.insert(id);
    return &row;
}

ChangeSet UnclassifiedBook::take_changes() {
    ChangeSet changes;
    for (const std::string& id : std::exchange(dirty_, {}))
        changes.templates[id] = templates_.at(id);
    return changes;
}

const TemplateRow* UnclassifiedBook::find(const std::string& id) const {
    const auto found = templates_.find(id);
    return found == templates_.end() ? nullptr : &found->second;
}

}  // namespace runnerwatch
