#pragma once

#include "daemon/net/http_server.h"
#include "parsers/result.h"
#include "storage/store.h"

#include <map>
#include <string>
#include <vector>

// The report on a span of time (GET /api/v1/report), for the API and the command on a file.
namespace runnerwatch {

inline constexpr const char* report_path = "/api/v1/report";

struct ReportQuestion {
    Timestamp since{}, until{};
    std::string form;                  // md, html, json
    std::vector<std::string> visible;  // namespaces; empty: all
};

// What is asked, or the reply that says what is wrong with it. Without times: the last week.
Result<ReportQuestion, ServerReply> report_question(const std::map<std::string, std::string>& query,
                                                    Timestamp now);

// Reads and words it. Blocking.
Result<ServerReply, StoreError> report_reply(Reader& reader, const ReportQuestion& question);

}  // namespace runnerwatch
