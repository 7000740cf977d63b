#include "daemon/commands/coverage.h"

#include "daemon/api/coverage_json.h"
#include "daemon/commands/ask_daemon.h"
#include "daemon/commands/incident_text.h"
#include "daemon/runtime/clock.h"
#include "storage/store.h"

#include <ostream>

namespace runnerwatch {
namespace {

using json = nlohmann::ordered_json;
using Answer = Result<json, std::string>;

Answer from_database(const std::string& file) {
    auto reader = Reader::open(file);
    if (!reader) return failure(reader.error().what);
    const auto rows = (*reader)->coverage_rows();
    if (!rows) return failure(rows.error().what);
    return coverage_to_json(coverage_report(*rows, Clock().now()));
}

Answer from_daemon(const std::string& address) {
    const auto reply = ask_daemon(address, "/api/v1/coverage");
    if (!reply) return failure(reply.error());
    const json body = json::parse(reply->body, nullptr, false);
    if (reply->status != 200 || !body.is_object() || !body.contains("sources"))
        return failure("what answers at " + address + " gave " + std::to_string(reply->status) +
                       " and no coverage. " + where_to_ask);
    return body;
}

std::string tables(const json& body, const CoverageOptions& options) {
    Listing sources{{{"namespace", "NAMESPACE"},
                     {"member", "POD"},
                     {"container", "CONTAINER"},
                     {"state", "STATE"},
                     {"from", "READ FROM"},
                     {"to", "READ UP TO"},
                     {"lag_seconds", "LAG S"},
                     {"lines", "LINES"},
                     {"gap_count", "GAPS"}},
                    {}};
    Listing gaps{{{"member", "POD"},
                  {"container", "CONTAINER"},
                  {"kind", "GAP"},
                  {"certainty", "CERTAINTY"},
                  {"from", "FROM"},
                  {"to", "TO"},
                  {"lines", "LINES"},
                  {"details", "DETAILS"}},
                 {}};
    for (json source : body.at("sources")) {
        const json found = source.at("gaps");
        const std::string state = source.at("state");
        if (!options.all && found.empty() && state == "complete") continue;
        source["from"] = time_for_people(source.at("read_from"));
        source["to"] = time_for_people(source.at("read_up_to"));
        source["gap_count"] = found.size();
        for (json gap : found) {
            gap["member"] = source.at("member");
            gap["container"] = source.at("container");
            gap["from"] = time_for_people(gap.at("from"));
            gap["to"] = gap.at("to").is_null() ? "goes on" : time_for_people(gap.at("to"));
            gaps.rows.push_back(std::move(gap));
        }
        sources.rows.push_back(std::move(source));
    }
    std::string text = body.at("summary").get<std::string>() + "\n";
    if (!sources.rows.empty()) text += "\n" + rendered(sources, options.format);
    if (!gaps.rows.empty()) text += "\n" + rendered(gaps, options.format);
    return text;
}

}  // namespace

int show_coverage(const CoverageOptions& options, std::ostream& out, std::ostream& errors) {
    const Answer body =
        options.database.empty() ? from_daemon(options.api) : from_database(options.database);
    if (!body) {
        errors << "runnerwatch: " << body.error() << "\n";
        return 2;
    }
    switch (options.format) {
        case ListFormat::json:
            out << json_text(*body);
            break;
        case ListFormat::yaml:
            out << yaml_text(*body);
            break;
        case ListFormat::table:
        case ListFormat::markdown:
            out << tables(*body, options);
            break;
    }
    if (!out.flush()) return 2;
    return body->at("current") == body->at("living") ? 0 : 1;
}

}  // namespace runnerwatch
