// What people do to incidents, over the API: acted on the loop, answered when it is on disk.
#include "daemon/api/act_api.h"
#include "daemon/api/history_api.h"
#include "daemon/app.h"
#include "parsers/digest.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace runnerwatch {

namespace {

using json = nlohmann::ordered_json;

// The key of a request that names itself; empty: it does not.
Result<std::string, ServerReply> idempotency_key(const ServerRequest& request) {
    if (!request.headers.contains("idempotency-key")) return std::string();
    const std::string key = request.header("idempotency-key");
    const bool fits =
        !key.empty() && key.size() <= AnswerBook::key_bytes_max &&
        std::all_of(key.begin(), key.end(), [](unsigned char c) { return c >= ' ' && c < 0x7f; });
    if (fits) return key;
    return failure(problem_reply(400, "Bad request",
                                 "Idempotency-Key is 1 to " +
                                     std::to_string(AnswerBook::key_bytes_max) +
                                     " ASCII characters. Nothing was changed."));
}

// What is told again is what was told, not what has become of the incident since.
ServerReply told_again(const IdempotencyRow& row) {
    ServerReply reply;
    reply.status = row.status;
    reply.body = row.answer;
    if (row.status != 200) reply.content_type = "application/problem+json";
    const json body = json::parse(row.answer, nullptr, false);
    if (body.is_object() && body.contains("incident"))
        reply.headers.emplace_back("etag", "\"" + body.at("incident").at("changes").dump() + "\"");
    reply.headers.emplace_back("idempotent-replayed", "true");
    return reply;
}

// Marks a key as being answered, until its request has ended, however it ends.
class Answering {
public:
    Answering(std::set<std::string>& keys, std::string key) : keys_(keys), key_(std::move(key)) {
        if (!key_.empty()) keys_.insert(key_);
    }
    ~Answering() { keys_.erase(key_); }
    Answering(const Answering&) = delete;
    Answering& operator=(const Answering&) = delete;

private:
    std::set<std::string>& keys_;
    std::string key_;
};

}  // namespace

// Brings what a question is about into the book. An error of the database is the reply.
asio::awaitable<std::optional<ServerReply>> App::recall(const ActQuestion& question) {
    std::vector<std::string> ids = ids_to_recall(*book_, question);
    std::vector<std::string> before;
    while (!ids.empty() && ids != before) {
        // What has just left memory is read as it was written last.
        if (!co_await committer_->durable()) co_return unwritten_reply();
        auto read = [&ids](Reader& reader) -> Result<std::vector<IncidentDetail>, StoreError> {
            std::vector<IncidentDetail> found;
            for (const auto& id : ids) {
                auto detail = reader.incident(id);
                if (!detail) return failure(detail.error());
                if (*detail) found.push_back(std::move(**detail));
            }
            return found;
        };
        const auto answer = co_await pages_.ask(read);
        if (!answer) co_return storage_reply(answer.error());
        for (const auto& detail : *answer)
            if (!book_->recall(detail, clock_.now())) co_return too_many_recalled_reply();
        before = std::exchange(ids, ids_to_recall(*book_, question));
    }
    co_return std::nullopt;
}

ServerReply App::too_many_recalled_reply() const {
    ServerReply reply = problem_reply(
        503, "Too many at once",
        "Nothing was changed: " + std::to_string(IncidentBook::recalled_max) +
            " incidents that had ended long ago were taken back into memory within a minute, which "
            "is the limit. Ask again in a minute.");
    reply.headers.emplace_back("retry-after", "60");
    return reply;
}

// What was acted is in memory and stays owed to the database, so it is not taken back.
ServerReply App::unwritten_reply() const {
    ServerReply reply = problem_reply(
        503, "Storage",
        "It is not on disk yet, because the database cannot be written: " + committer_->trouble() +
            " What was done in memory is written as soon as that is possible. Ask again later, "
            "with the same Idempotency-Key if there was one.");
    reply.headers.emplace_back("retry-after", "5");
    return reply;
}

// Whether the caller may see an incident and all that was merged into it: what is done to the whole
// is done to its parts.
bool App::sees_whole(const Caller& caller, const std::string& id) const {
    const std::string key = book_->key_of(id);
    if (caller.namespaces.empty() || key.empty()) return true;
    std::set<std::string> whole{key};
    const auto rows = book_->incidents();
    for (std::size_t before = 0; before != whole.size();) {
        before = whole.size();
        for (const IncidentRow* row : rows)
            if (whole.contains(row->merged_into)) whole.insert(row->key);
    }
    return std::all_of(rows.begin(), rows.end(), [&](const IncidentRow* row) {
        return !whole.contains(row->key) || caller.may_see(row->namespace_);
    });
}

// The first of its incidents that the caller may not see; nothing: there is none.
std::optional<std::string> App::hidden_from(const Caller& caller,
                                            const ActQuestion& question) const {
    const auto visible = [&](const std::string& id) { return sees_whole(caller, id); };
    for (const auto& one : question.acts) {
        if (!visible(one.id)) return one.id;
        if (const auto* into = std::get_if<MergeInto>(&one.request.act))
            if (!visible(into->into)) return into->into;
    }
    return std::nullopt;
}

asio::awaitable<ServerReply> App::acts(const ServerRequest& request, const Caller& caller) {
    auto question = act_question(request, "api", clock_.now());
    if (!question) co_return question.error();
    if (!caller.name.empty())
        for (auto& one : question->acts) one.request.actor = caller.name;
    const auto key = idempotency_key(request);
    if (!key) co_return key.error();
    const std::string hash =
        sha256_hex(caller.name + "\n" + request.path + "\n" + request.body).substr(0, 32);
    if (!key->empty() && answering_.contains(*key))
        co_return problem_reply(409, "Conflict",
                                "A request with this Idempotency-Key is being answered. Ask again "
                                "in a moment.");
    if (const IdempotencyRow* known = answers_.find(*key, clock_.now()); known && !key->empty()) {
        if (known->request != hash)
            co_return problem_reply(422, "Unprocessable content",
                                    "This Idempotency-Key came with another request before. Give "
                                    "each request a key of its own. Nothing was changed.");
        ServerReply reply = told_again(*known);
        if (!co_await committer_->durable()) co_return unwritten_reply();
        co_return reply;
    }
    const Answering answering(answering_, *key);
    if (auto trouble = co_await recall(*question)) co_return std::move(*trouble);
    if (const auto hidden = hidden_from(caller, *question))
        co_return problem_reply(
            404, "Not found",
            "There is no incident " + *hidden + " that you may see. Nothing was changed.");
    const Timestamp now = clock_.now();
    ServerReply reply = act_all(*book_, *question, now);
    if (!key->empty() && (reply.status == 200 || reply.status == 409))
        answers_.put({*key, hash, reply.status, reply.body, now});
    if (reply.status == 200 && !co_await committer_->durable()) co_return unwritten_reply();
    co_return reply;
}

}  // namespace runnerwatch
