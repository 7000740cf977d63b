#include "daemon/api/act_api.h"

#include "daemon/api/history_api.h"
#include "daemon/api/incident_json.h"
#include "parsers/redaction.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <set>

namespace runnerwatch {
namespace {

using json = nlohmann::ordered_json;

const std::string one_path = "/api/v1/incidents/", batch_path = "/api/v1/incidents:batch";

std::string dump(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

ServerReply refused(const std::string& detail) {
    return problem_reply(400, "Bad request", detail + " Nothing was changed.");
}

// The members each act takes, beside actor and note.
const std::map<std::string, std::set<std::string>>& acts() {
    static const std::map<std::string, std::set<std::string>> known{
        {"ack", {"owner", "until"}},
        {"unack", {}},
        {"snooze", {"until", "count", "until_worse"}},
        {"unsnooze", {}},
        {"assign", {"to"}},
        {"note", {}},
        {"tag", {"tags"}},
        {"untag", {"tags"}},
        {"resolve", {}},
        {"merge", {"into"}},
        {"split", {}}};
    return known;
}

// Reads the members of one act; the first thing wrong stays in `error`.
class ActReader {
public:
    ActReader(const json& body, Timestamp now) : body_(body), now_(now) {}

    std::string text(const char* name) {
        const auto found = body_.find(name);
        if (found == body_.end() || found->is_null()) return {};
        if (!found->is_string()) return wrong(std::string(name) + " is a text.");
        return redact(found->get_ref<const std::string&>());
    }

    std::optional<Timestamp> time(const char* name) {
        const std::string words = text(name);
        if (words.empty()) return std::nullopt;
        const auto at = moment_ahead(words, now_);
        if (!at)
            wrong(std::string(name) +
                  " is a time (2026-11-30T02:10:03Z), a day (2026-11-30) or how long from now "
                  "(90m, 3d).");
        return at;
    }

    std::optional<std::int64_t> count(const char* name) {
        const auto found = body_.find(name);
        if (found == body_.end() || found->is_null()) return std::nullopt;
        if (found->is_number_integer() && found->get<std::int64_t>() >= 0 &&
            found->get<std::int64_t>() <= 1'000'000'000'000)
            return found->get<std::int64_t>();
        wrong(std::string(name) + " is a whole number.");
        return std::nullopt;
    }

    bool truth(const char* name) {
        const auto found = body_.find(name);
        if (found == body_.end() || found->is_null()) return false;
        if (found->is_boolean()) return found->get<bool>();
        wrong(std::string(name) + " is true or false.");
        return false;
    }

    std::vector<std::string> texts(const char* name) {
        std::vector<std::string> list;
        const auto found = body_.find(name);
        if (found == body_.end()) return list;
        if (!found->is_array()) wrong(std::string(name) + " is a list of texts.");
        if (found->is_array())
            for (const json& one : *found) {
                if (!one.is_string()) wrong(std::string(name) + " is a list of texts.");
                if (one.is_string()) list.push_back(redact(one.get_ref<const std::string&>()));
            }
        return list;
    }

    // Also an id given as a number.
    std::string id(const char* name) {
        const auto found = body_.find(name);
        if (found != body_.end() && found->is_number_unsigned()) return found->dump();
        return text(name);
    }

    std::string wrong(const std::string& what) {
        if (error.empty()) error = what;
        return {};
    }

    std::string error;

private:
    const json& body_;
    Timestamp now_;
};

IncidentAct read_act(const std::string& name, ActReader& read) {
    if (name == "ack") {
        std::string owner = read.text("owner");
        return Acknowledge{std::move(owner), read.time("until")};
    }
    if (name == "unack") return Unacknowledge{};
    if (name == "snooze") {
        Snooze snooze;
        snooze.until = read.time("until");
        snooze.count = read.count("count");
        snooze.until_worse = read.truth("until_worse");
        return snooze;
    }
    if (name == "unsnooze") return Unsnooze{};
    if (name == "assign") return Assign{read.text("to")};
    if (name == "note") return AddNote{};
    if (name == "tag") return Tag{read.texts("tags")};
    if (name == "untag") return Untag{read.texts("tags")};
    if (name == "resolve") return ResolveByHand{};
    if (name == "merge") return MergeInto{read.id("into")};
    return Split{};
}

// Who acts, as a client on loopback names its user; where callers are known it is they
// (App::acts).
std::string actor_of(ActReader& read) {
    const std::string named = read.text("actor");
    return named.empty() ? "api" : named;
}

// One act of a body; `also` are further members that are known where it stands.
Result<ActQuestion::One, std::string> read_one(const std::string& id, const std::string& name,
                                               const json& body, const std::set<std::string>& also,
                                               const std::string& origin, Timestamp now) {
    const auto known = acts().find(name);
    if (known == acts().end()) return failure("There is no act \"" + redact(name) + "\".");
    for (const auto& [member, unused] : body.items())
        if (member != "actor" && member != "note" && !known->second.contains(member) &&
            !also.contains(member))
            return failure("\"" + redact(member) + "\" is nothing that " + name + " takes.");
    ActReader read(body, now);
    ActQuestion::One one;
    one.id = id;
    one.request.act = read_act(name, read);
    one.request.actor = actor_of(read);
    one.request.origin = origin;
    one.request.note = read.text("note");
    if (!read.error.empty()) return failure(read.error);
    if (one.id.empty() || one.id.size() > 64)
        return failure(std::string("Each act names its incident: a number, ULID or key."));
    return one;
}

Result<std::optional<std::vector<std::int64_t>>, std::string> read_if_match(
    const ServerRequest& request) {
    const auto header = request.headers.find("if-match");
    if (header == request.headers.end() || header->second == "*") return std::nullopt;
    std::vector<std::int64_t> seen;
    const std::string& text = header->second;
    for (std::size_t at = text.find('"'); at != std::string::npos; at = text.find('"', at)) {
        std::int64_t number = 0;
        const char* end = text.data() + text.size();
        const auto [last, error] = std::from_chars(text.data() + at + 1, end, number);
        const std::size_t close = text.find('"', at + 1);
        if (close == std::string::npos) break;
        if (error == std::errc() && (*last == '-' || *last == '"')) seen.push_back(number);
        at = close + 1;
    }
    if (seen.empty()) return failure(std::string("If-Match is an ETag that a GET gave, or *."));
    return std::optional(std::move(seen));
}

Result<ActQuestion, std::string> read_batch(const json& body, const std::string& origin,
                                            Timestamp now) {
    ActQuestion question;
    question.batch = true;
    for (const auto& [member, unused] : body.items())
        if (member != "actor" && member != "acts")
            return failure("\"" + redact(member) + "\" is nothing that a batch takes.");
    const auto list = body.find("acts");
    if (list == body.end() || !list->is_array() || list->empty() ||
        list->size() > ActQuestion::batch_max)
        return failure("acts is a list of 1 to " + std::to_string(ActQuestion::batch_max) +
                       " acts.");
    for (const json& one : *list) {
        if (!one.is_object()) return failure(std::string("acts is a list of objects."));
        json whole = one;
        if (body.contains("actor") && !whole.contains("actor")) whole["actor"] = body.at("actor");
        ActReader read(whole, now);
        const std::string id = read.id("incident"), name = read.text("act");
        if (!read.error.empty()) return failure(read.error);
        auto act = read_one(id, name, whole, {"incident", "act"}, origin, now);
        if (!act) return failure(act.error());
        question.acts.push_back(std::move(*act));
    }
    return question;
}

int status_of(ActRefusal::Kind kind) {
    switch (kind) {
        case ActRefusal::Kind::no_such_incident:
            return 404;
        case ActRefusal::Kind::invalid:
            return 400;
        case ActRefusal::Kind::conflict:
        case ActRefusal::Kind::full:
            return 409;
    }
    return 500;
}

const char* title_of(int status) {
    return status == 404 ? "Not found" : status == 400 ? "Bad request" : "Conflict";
}

Result<ActDone, ActRefusal> act_one(IncidentBook& book, const ActQuestion::One& one,
                                    Timestamp now) {
    ActRequest request = one.request;
    request.incident = book.key_of(one.id);
    if (request.incident.empty()) request.incident = one.id;  // refused by that name
    if (auto* into = std::get_if<MergeInto>(&request.act))
        if (const std::string key = book.key_of(into->into); !key.empty()) into->into = key;
    return book.act(request, now);
}

}  // namespace

std::optional<Timestamp> moment_ahead(const std::string& words, Timestamp now) {
    if (const auto span = parse_duration(words)) {
        if (span->count() < 0) return std::nullopt;
        return now + *span;
    }
    return moment_from(words, now);
}

bool is_act_path(const std::string& path) {
    if (path == batch_path) return true;
    const std::size_t slash = path.rfind('/');
    return path.starts_with(one_path) && slash > one_path.size() &&
           path.find('/', one_path.size()) == slash && acts().contains(path.substr(slash + 1));
}

Result<ActQuestion, ServerReply> act_question(const ServerRequest& request,
                                              const std::string& origin, Timestamp now) {
    if (request.body.size() > ActQuestion::body_bytes_max)
        return failure(problem_reply(413, "Too large",
                                     "A body has at most " +
                                         std::to_string(ActQuestion::body_bytes_max) +
                                         " bytes here. Nothing was changed."));
    const json body =
        request.body.empty() ? json::object() : json::parse(request.body, nullptr, false);
    if (!body.is_object()) return failure(refused("The body is no JSON object."));
    if (!request.query.empty()) return failure(refused("Changes take no parameters."));
    auto if_match = read_if_match(request);
    if (!if_match) return failure(refused(if_match.error()));
    if (request.path == batch_path) {
        if (*if_match) return failure(refused("If-Match is for one incident, not for a batch."));
        auto question = read_batch(body, origin, now);
        if (!question) return failure(refused(question.error()));
        return std::move(*question);
    }
    const std::size_t slash = request.path.rfind('/');
    auto one = read_one(request.path.substr(one_path.size(), slash - one_path.size()),
                        request.path.substr(slash + 1), body, {}, origin, now);
    if (!one) return failure(refused(one.error()));
    ActQuestion question;
    question.acts.push_back(std::move(*one));
    question.if_match = std::move(*if_match);
    return question;
}

std::vector<std::string> ids_to_recall(const IncidentBook& book, const ActQuestion& question) {
    std::set<std::string> ids;
    const auto want = [&](const std::string& id) {
        std::string key = book.key_of(id);
        if (key.empty()) ids.insert(id);
        // Up to the incident that speaks for all.
        for (std::size_t i = 0; !key.empty() && i <= IncidentBook::merged_max; ++i) {
            const IncidentRow* row = book.find(key);
            if (!row) ids.insert(key);
            if (!row || row->merged_into.empty()) return;
            key = row->merged_into;
        }
    };
    for (const auto& one : question.acts) {
        want(one.id);
        if (const auto* into = std::get_if<MergeInto>(&one.request.act)) want(into->into);
    }
    return {ids.begin(), ids.end()};
}

ServerReply act_all(IncidentBook& book, const ActQuestion& question, Timestamp now) {
    if (question.if_match) {
        const IncidentRow* row = book.find(book.key_of(question.acts.front().id));
        const auto& seen = *question.if_match;
        if (row && std::find(seen.begin(), seen.end(), row->changes) == seen.end())
            return problem_reply(412, "Precondition failed",
                                 "The incident has changed since it was read: its timeline has " +
                                     std::to_string(row->changes) +
                                     " rows now. Nothing was changed; read it again.");
    }
    json results = json::array();
    for (const auto& one : question.acts) {
        auto done = act_one(book, one, now);
        json result{{"act", name_of(one.request.act)}};
        if (question.batch) result["id"] = one.id;
        if (done) {
            if (question.batch) result["status"] = 200;
            result["changed"] = done->changed;
            const auto shown = book.as_shown(done->incident.key);
            result["incident"] = incident_to_json(shown.value_or(done->incident));
        } else {
            const int status = status_of(done.error().kind);
            if (!question.batch) return problem_reply(status, title_of(status), done.error().what);
            result["status"] = status;
            result["title"] = title_of(status);
            result["detail"] = done.error().what;
        }
        results.push_back(std::move(result));
    }
    ServerReply reply;
    if (question.batch) {
        reply.body = dump({{"results", std::move(results)}});
        return reply;
    }
    const auto changes = results.front().at("incident").at("changes").get<std::int64_t>();
    reply.headers.emplace_back("etag", "\"" + std::to_string(changes) + "\"");
    reply.body = dump(results.front());
    return reply;
}

}  // namespace runnerwatch
