#include "daemon/commands/history_source.h"

#include "daemon/api/history_api.h"
#include "daemon/commands/ask_daemon.h"
#include "daemon/rule_files.h"
#include "daemon/runtime/clock.h"

#include <algorithm>
#include <cctype>
#include <sstream>

namespace runnerwatch {
namespace {

using json = nlohmann::ordered_json;
using Answer = Result<json, std::string>;
using Query = std::map<std::string, std::string>;

// The document of a reply, or its problem's detail.
Answer document_of(int status, const std::string& body) {
    json document = json::parse(body, nullptr, false);
    if (document.is_object() && status == 200) return document;
    if (document.is_object() && document.contains("detail") && document.at("detail").is_string())
        return failure(document.at("detail").get<std::string>());
    return failure("status " + std::to_string(status) + " and no answer");
}

Answer from_database(const HistorySource& source, const std::string& path, const Query& query) {
    const auto question = history_question(path, query, Clock().now());
    if (!question) return document_of(question.error().status, question.error().body);
    std::ostringstream errors;
    const auto matcher = rules_or_errors(source.rules, errors);
    if (!matcher) return failure(errors.str());
    auto reader = Reader::open(source.database);
    if (!reader) return failure(reader.error().what);
    const auto rows = read_history(**reader, *question);
    if (!rows) return failure(rows.error().what);
    const ServerReply reply =
        *rows ? history_reply(*question, **rows, matcher->pack()) : no_such_incident(*question);
    return document_of(reply.status, reply.body);
}

}  // namespace

std::string percent_encoded(const std::string& text) {
    static const char digits[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.' || c == '~')
            out += c;
        else
            (out += '%') += {digits[byte / 16], digits[byte % 16]};
    }
    return out;
}

namespace {

Answer from_daemon(const std::string& address, const std::string& path, const Query& query) {
    std::string target = path;
    char separator = '?';
    for (const auto& [name, value] : query) {
        target += separator + name + "=" + percent_encoded(value);
        separator = '&';
    }
    const auto reply = ask_daemon(address, target);
    if (!reply) return failure(reply.error());
    auto document = document_of(reply->status, reply->body);
    if (!document) return failure("the daemon at " + address + ": " + document.error());
    return document;
}

}  // namespace

Answer ask_history(const HistorySource& source, const std::string& path, const Query& query) {
    return source.database.empty() ? from_daemon(source.api, path, query)
                                   : from_database(source, path, query);
}

std::optional<std::string> incident_id(std::string_view words) {
    if (words.starts_with('#')) words.remove_prefix(1);
    const bool plain = std::all_of(words.begin(), words.end(),
                                   [](unsigned char c) { return std::isalnum(c) != 0; });
    if (words.empty() || words.size() > 64 || !plain) return std::nullopt;
    return std::string(words);
}

}  // namespace runnerwatch
