#include "daemon/commands/report.h"

#include "daemon/api/report_api.h"
#include "daemon/commands/ask_daemon.h"
#include "daemon/runtime/clock.h"
#include "parsers/visible_text.h"

#include <nlohmann/json.hpp>

#include <ostream>

namespace runnerwatch {

namespace {

int refuse(std::ostream& errors, const std::string& why) {
    errors << "runnerwatch: " << visible_text(why) << "\n";
    return 2;
}

std::string detail_of(const std::string& problem) {
    const auto body = nlohmann::json::parse(problem, nullptr, false);
    const bool known = body.is_object() && body.contains("detail") && body["detail"].is_string();
    return known ? body["detail"].get<std::string>() : "no report, and no reason for that";
}

int print(const std::string& body, std::ostream& out, std::ostream& errors) {
    out << body << (body.ends_with('\n') ? "" : "\n") << std::flush;
    return out ? 0 : refuse(errors, "the report could not be written out. Free space there.");
}

}  // namespace

int write_report(const ReportOptions& options, std::ostream& out, std::ostream& errors) {
    if (options.source.database.empty()) {
        std::string target = report_path;
        char separator = '?';
        for (const auto& [name, value] : options.query) {
            target += separator + name + "=" + percent_encoded(value);
            separator = '&';
        }
        const auto reply = ask_daemon(options.source.api, target);
        if (!reply) return refuse(errors, reply.error());
        if (reply->status != 200)
            return refuse(errors,
                          "the daemon at " + options.source.api + ": " + detail_of(reply->body));
        return print(reply->body, out, errors);
    }
    const auto question = report_question(options.query, Clock().now());
    if (!question) return refuse(errors, detail_of(question.error().body));
    const auto reader = Reader::open(options.source.database);
    if (!reader) return refuse(errors, reader.error().what);
    const auto reply = report_reply(**reader, *question);
    if (!reply) return refuse(errors, reply.error().what);
    return print(reply->body, out, errors);
}

}  // namespace runnerwatch
