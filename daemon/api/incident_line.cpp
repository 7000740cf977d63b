// An incident as the list and events give it, written without a tree of values: under load that
// tree was most of what a page cost.
#include "daemon/api/incident_json.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <string_view>

namespace runnerwatch {
namespace {

bool is_plain(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return c >= ' ' && c < 0x7f && c != '"' && c != '\\';  // bytes over 0x7f are negative
    });
}

class Writer {
public:
    explicit Writer(std::string& into) : into_(into) {}

    void member(std::string_view name, std::string_view value) {
        begin(name);
        string(value);
    }
    void member(std::string_view name, std::int64_t value) {
        begin(name);
        number(value);
    }
    void flag(std::string_view name, bool value) { raw(name, value ? "true" : "false"); }
    void time(std::string_view name, const std::optional<Timestamp>& at) {
        begin(name);
        if (at)
            string(format_time(*at));
        else
            into_ += "null";
    }
    // A column that holds JSON as it was written.
    void held(std::string_view name, std::string_view json, std::string_view otherwise) {
        raw(name, json.empty() ? otherwise : json);
    }
    void raw(std::string_view name, std::string_view json) {
        begin(name);
        into_ += json;
    }

private:
    void begin(std::string_view name) {
        into_ += first_ ? '{' : ',';
        first_ = false;
        into_ += '"';
        into_ += name;
        into_ += "\":";
    }
    void string(std::string_view value) {
        if (is_plain(value)) {
            into_ += '"';
            into_ += value;
            into_ += '"';
        } else {
            into_ += nlohmann::json(value).dump(-1, ' ', false,
                                                nlohmann::json::error_handler_t::replace);
        }
    }
    void number(std::int64_t value) {
        char digits[24];
        into_.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
    }

    std::string& into_;
    bool first_ = true;
};

std::string snooze_text(const IncidentRow& row) {
    if (row.snoozed_by.empty()) return "null";
    std::string text;
    Writer snooze(text);
    snooze.member("by", row.snoozed_by);
    snooze.time("until", row.snoozed_until);
    if (row.snoozed_count > 0)
        snooze.member("count", row.snoozed_count);
    else
        snooze.raw("count", "null");
    snooze.flag("until_worse", row.snoozed_until_worse);
    return text + "}";
}

// Tags hold no character that JSON would write otherwise.
std::string tags_text(const std::string& tags) {
    std::string text = "[";
    for (const auto& tag : tag_list(tags)) text += (text.size() > 1 ? ",\"" : "\"") + tag + "\"";
    return text + "]";
}

}  // namespace

void append_incident(const IncidentRow& row, std::string& into) {
    Writer incident(into);
    incident.member("number", row.number);
    incident.member("id", row.ulid);
    incident.member("key", row.key);
    incident.member("rule", row.rule);
    incident.member("catalog", row.catalog);
    incident.held("also", row.also, "[]");
    incident.member("title", row.title);
    incident.member("impact", row.impact);
    incident.member("severity", to_string(row.severity));
    incident.member("opened_severity", to_string(row.opened_severity));
    incident.member("response", to_string(row.response));
    incident.member("state", to_string(row.state));
    incident.member("cluster", row.cluster);
    incident.member("namespace", row.namespace_);
    incident.member("workload", row.workload);
    incident.member("scope", row.scope_words);
    incident.held("fields", row.fields, "{}");
    incident.held("causes", row.causes, "[]");
    incident.held("symptoms", row.symptoms, "{}");
    incident.member("line", row.headline);
    incident.time("first_seen", row.first_seen);
    incident.time("last_seen", row.last_seen);
    incident.time("ended_at", row.ended_at);
    incident.time("noted_at", row.noted_at);
    incident.member("clock", to_string(row.clock));
    incident.member("count", row.count);
    incident.member("occurrence", row.occurrence);
    incident.member("previous", row.previous);
    incident.member("reopened", row.reopened);
    incident.flag("flapping", row.flapping);
    incident.member("folded_into", row.folded_into);
    incident.member("waiting_for", row.waiting_for);
    incident.member("proof", row.proof);
    incident.member("acknowledged_by", row.acknowledged_by);
    incident.time("acknowledged_until", row.acknowledged_until);
    incident.raw("snooze", snooze_text(row));
    incident.member("assignee", row.assignee);
    incident.raw("tags", tags_text(row.tags));
    incident.member("merged_into", row.merged_into);
    incident.member("resolved_by", row.resolved_by);
    incident.member("changes", row.changes);
    into += '}';
}

}  // namespace runnerwatch
