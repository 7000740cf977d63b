#include "daemon/commands/coverage.h"

#include "daemon/api/coverage_json.h"
#include "daemon/net/http_client.h"
#include "daemon/runtime/clock.h"
#include "storage/store.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

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
    asio::io_context io;
    HttpClient client(io.get_executor());
    HttpCall call;
    call.url = "http://" + address + "/api/v1/coverage";
    Result<HttpReply, HttpFailure> reply =
        failure(HttpFailure{HttpFailure::Kind::cancelled, "no answer"});
    const auto ask = [&]() -> asio::awaitable<void> {
        reply = co_await client.fetch(std::move(call));
    };
    const auto at_end = [](std::exception_ptr thrown) {
        if (thrown) std::rethrow_exception(thrown);
    };
    asio::co_spawn(io, ask, at_end);
    io.run();
    const std::string hint =
        "Name the http.listen of a running daemon with --api, or its "
        "database with --database FILE.";
    if (!reply)
        return failure("no daemon can be asked at " + address + ": " + reply.error().what + ". " +
                       hint);
    const json body = json::parse(reply->body, nullptr, false);
    if (reply->status != 200 || !body.is_object() || !body.contains("sources"))
        return failure("what answers at " + address + " gave " + std::to_string(reply->status) +
                       " and no coverage. " + hint);
    return body;
}

// The whole of the times of a table is their seconds.
std::string seconds_of(const json& time) {
    if (!time.is_string()) return {};
    const auto parsed = parse_time(time.get_ref<const std::string&>());
    return parsed ? format_time_for_people(parsed->time) : std::string();
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
        source["from"] = seconds_of(source.at("read_from"));
        source["to"] = seconds_of(source.at("read_up_to"));
        source["gap_count"] = found.size();
        for (json gap : found) {
            gap["member"] = source.at("member");
            gap["container"] = source.at("container");
            gap["from"] = seconds_of(gap.at("from"));
            gap["to"] = gap.at("to").is_null() ? "goes on" : seconds_of(gap.at("to"));
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
