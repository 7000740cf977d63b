#pragma once

#include "alerts/document.h"
#include "parsers/result.h"

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The postmortem of one or several incidents: what is known filled in with its proof, what nobody
// measured called unknown, what only people know asked for. Pure: made of the incidents as the API
// gives them (`GET /api/v1/incidents/ID`) and a template, so the same data gives the same bytes.
namespace runnerwatch {

// A template is Markdown of headings ("# ", "## " …), paragraphs, lists ("- "), what people are to
// fill in ("> "), and placeholders. One that stands alone on its line is a section: facts, summary,
// impact, causes, trigger, detection, resolution, actions, timeline, evidence, members, deliveries,
// gaps, earlier. Within a text stand: title, number, severity, date, duration, scope, rule.
constexpr std::size_t template_bytes_max = 256 * 1024;

// The templates that are built in: "sre".
std::optional<std::string_view> built_in_template(std::string_view name);

// The error names the template's line and what can stand there. `stories` is not empty.
Result<Document, std::string> postmortem(const std::vector<nlohmann::ordered_json>& stories,
                                         std::string_view text);

}  // namespace runnerwatch
