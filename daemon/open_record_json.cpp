#include "daemon/open_record_json.h"

#include <nlohmann/json.hpp>

namespace runnerwatch {

using nlohmann::json;

std::string open_record_to_json(const OpenRecord& open, const std::optional<EvidenceRef>& ref) {
    json value = {{"format", static_cast<int>(open.format)},
                  {"level", static_cast<int>(open.level)},
                  {"bare", open.bare},
                  {"lines", open.lines},
                  {"bytes", open.bytes},
                  {"last_line", open.last_line}};
    if (open.last_time) value["last_time"] = open.last_time->time_since_epoch().count();
    if (ref)
        value["evidence"] = {{"identity", ref->identity},
                             {"instance", ref->instance},
                             {"first_line", ref->first_line}};
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

StoredOpenRecord open_record_from_json(const std::string& text) {
    const json value = json::parse(text);
    StoredOpenRecord stored;
    OpenRecord& open = stored.record;
    open.format = static_cast<Format>(value.at("format").get<int>());
    open.level = static_cast<Level>(value.at("level").get<int>());
    open.bare = value.value("bare", false);
    open.lines = value.at("lines");
    open.bytes = value.at("bytes");
    open.last_line = value.at("last_line");
    if (value.contains("last_time"))
        open.last_time = Timestamp(Duration(value.at("last_time").get<std::int64_t>()));
    if (value.contains("evidence")) {
        const json& ref = value.at("evidence");
        stored.evidence = EvidenceRef{ref.at("identity"), ref.at("instance"), ref.at("first_line")};
    }
    return stored;
}

}  // namespace runnerwatch
