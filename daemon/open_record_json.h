#pragma once

#include "alerts/incident_book.h"
#include "parsers/record_reader.h"

#include <optional>
#include <string>

namespace runnerwatch {

// A record that is still open behind a counted head, with the evidence that further lines extend:
// how it is stored beside the position.
struct StoredOpenRecord {
    OpenRecord record;
    std::optional<EvidenceRef> evidence;
};

std::string open_record_to_json(const OpenRecord& open, const std::optional<EvidenceRef>& ref);

// Throws nlohmann::json::exception for anything but what open_record_to_json() made.
StoredOpenRecord open_record_from_json(const std::string& text);

}  // namespace runnerwatch
