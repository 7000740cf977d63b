#include "daemon/commands/acts.h"

#include "daemon/api/act_api.h"
#include "daemon/commands/ask_daemon.h"
#include "daemon/commands/incident_text.h"
#include "daemon/rule_files.h"
#include "daemon/runtime/clock.h"
#include "parsers/visible_text.h"
#include "storage/store.h"

#include <ostream>
#include <sstream>

namespace runnerwatch {
namespace {

using json = nlohmann::ordered_json;
using Answer = Result<ServerReply, std::string>;

constexpr std::chrono::hours ended_loaded{48};

std::string text_in(const json& value, const char* name) {
    const auto found = value.find(name);
    return found != value.end() && found->is_string()
               ? visible_text(found->get_ref<const std::string&>())
               : std::string();
}

// The file as a daemon would have loaded it, and what becomes of it.
Answer on_database(const HistorySource& source, const ServerRequest& request) {
    const Timestamp now = Clock().now();
    const auto question = act_question(request, "command", now);
    if (!question) return question.error();
    std::ostringstream errors;
    const auto matcher = rules_or_errors(source.rules, errors);
    if (!matcher) return failure(errors.str());
    auto store = Store::open(source.database);
    if (!store) {
        std::string why = store.error().what;
        if (store.error().kind == StoreError::Kind::locked)
            why +=
                " While a daemon runs, change incidents through it: leave out --database, and "
                "name its http.listen with --api.";
        return failure(std::move(why));
    }
    const auto stored = (*store)->load(now - ended_loaded);
    if (!stored) return failure(stored.error().what);
    IncidentBook book(matcher->pack(), stored->database_id);
    book.load(*stored);
    auto reader = Reader::open(source.database);
    if (!reader) return failure(reader.error().what);
    std::vector<std::string> before;
    for (auto ids = ids_to_recall(book, *question); !ids.empty() && ids != before;
         before = std::exchange(ids, ids_to_recall(book, *question)))
        for (const auto& id : ids) {
            const auto detail = (*reader)->incident(id);
            if (!detail) return failure(detail.error().what);
            if (*detail && !book.recall(**detail, now))
                return failure("more incidents are named at once than can be held. Name fewer.");
        }
    ServerReply reply = act_all(book, *question, now);
    const auto written = (*store)->commit(book.take_changes());
    if (!written) return failure(written.error().what);
    return reply;
}

Answer by_daemon(const HistorySource& source, const ServerRequest& request) {
    const auto reply = tell_daemon(source.api, request.path, request.body);
    if (!reply) return failure(reply.error());
    ServerReply answer;
    answer.status = reply->status;
    answer.body = reply->body;
    return answer;
}

std::string snooze_words(const json& snooze) {
    std::string words = "snoozed by " + text_in(snooze, "by");
    const char* between = " ";
    const auto add = [&](const std::string& more) {
        words += between + more;
        between = " or ";
    };
    if (snooze.at("until").is_string()) add("until " + time_for_people(snooze.at("until")));
    if (snooze.at("count").is_number()) add("until seen " + snooze.at("count").dump() + " times");
    if (snooze.at("until_worse") == true) add("until its severity rises");
    return words;
}

void print_result(const json& result, std::ostream& out) {
    const json& incident = result.at("incident");
    const std::string attributes = attribute_words(incident);
    out << "#" << incident.at("number").dump() << "  " << result.at("act").get<std::string>()
        << (result.at("changed") == true ? "" : " (was so already)") << "  "
        << text_in(incident, "title") << "\n    " << text_in(incident, "state")
        << (attributes.empty() ? "" : "; " + attributes) << "\n";
}

}  // namespace

std::string attribute_words(const json& incident) {
    std::string words;
    const auto add = [&](const std::string& more) { words += (words.empty() ? "" : "; ") + more; };
    if (const std::string by = text_in(incident, "acknowledged_by"); !by.empty()) {
        const std::string until = time_for_people(incident.at("acknowledged_until"));
        add("acknowledged by " + by + (until.empty() ? "" : " until " + until));
    }
    if (incident.at("snooze").is_object()) add(snooze_words(incident.at("snooze")));
    if (const std::string to = text_in(incident, "assignee"); !to.empty()) add("assigned to " + to);
    std::string tags;
    for (const json& tag : incident.at("tags"))
        tags += (tags.empty() ? "" : ", ") + visible_text(tag.get<std::string>());
    if (!tags.empty()) add("tagged " + tags);
    if (!text_in(incident, "merged_into").empty()) add("merged into another");
    if (const std::string by = text_in(incident, "resolved_by"); !by.empty())
        add("resolved by " + by);
    return words;
}

int act_on_incidents(const ActOptions& options, std::ostream& out, std::ostream& errors) {
    int code = 0;
    json results = json::array();
    for (const auto& words : options.ids) {
        const auto id = incident_id(words);
        if (!id) {
            errors << "runnerwatch: \"" << visible_text(words)
                   << "\" is no incident: give its number (12) or its id.\n";
            return 2;
        }
        ServerRequest request;
        request.method = "POST";
        request.path = "/api/v1/incidents/" + *id + "/" + options.act;
        request.body = options.body.dump(-1, ' ', false, json::error_handler_t::replace);
        const Answer reply = options.source.database.empty() ? by_daemon(options.source, request)
                                                             : on_database(options.source, request);
        if (!reply) {
            errors << "runnerwatch: " << reply.error() << "\n";
            return 2;
        }
        json body = json::parse(reply->body, nullptr, false);
        if (reply->status == 200 && body.is_object()) {
            if (options.format == ListFormat::table) print_result(body, out);
            results.push_back(std::move(body));
            continue;
        }
        errors << "runnerwatch: "
               << (body.is_object() && !text_in(body, "detail").empty()
                       ? text_in(body, "detail")
                       : "status " + std::to_string(reply->status) + " and no answer")
               << "\n";
        // What is asked wrongly is so for every incident.
        const bool refused = reply->status == 404 || reply->status == 409;
        code = std::max(code, refused ? 1 : 2);
        if (!refused) break;
    }
    if (options.format == ListFormat::json) out << json_text({{"results", results}});
    if (options.format == ListFormat::yaml) out << yaml_text({{"results", results}});
    return out.flush() ? code : 2;
}

}  // namespace runnerwatch
