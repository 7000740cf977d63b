#include "daemon/exception_book.h"

#include <nlohmann/json.hpp>

#include <utility>

namespace runnerwatch {

using nlohmann::json;

std::map<std::string, ExceptionHits> exception_hits_from(const std::string& text) {
    std::map<std::string, ExceptionHits> hits;
    const json stored = json::parse(text, nullptr, false);
    if (!stored.is_object()) return hits;
    for (const auto& [id, value] : stored.items()) {
        if (!value.is_object()) continue;
        ExceptionHits& one = hits[id];
        one.count = value.value("count", std::uint64_t{0});
        if (const auto last = parse_time(value.value("last", ""))) one.last = last->time;
    }
    return hits;
}

void ExceptionBook::load(const StoredState& state) {
    if (const auto found = state.meta.find(exception_hits_name); found != state.meta.end())
        hits_ = exception_hits_from(found->second);
}

bool ExceptionBook::count(const Exception* exception, Timestamp now) {
    if (exception == nullptr) return false;
    ExceptionHits& hits = hits_[exception->id];
    ++hits.count;
    hits.last = now;
    dirty_ = true;
    metrics_.excepted(exception->rule.empty() ? exception->template_id : exception->rule,
                      exception->id);
    return true;
}

bool ExceptionBook::takes(const Detection& detection, const Record& record, Timestamp now) {
    return count(exceptions_.of(detection, record, now), now);
}

bool ExceptionBook::takes_template(const std::string& template_id, Timestamp now) {
    return count(exceptions_.of_template(template_id, now), now);
}

void ExceptionBook::take_changes(ChangeSet& changes) {
    if (!std::exchange(dirty_, false)) return;
    json stored = json::object();
    for (const auto& [id, hits] : hits_) {
        stored[id] = {{"count", hits.count}};
        if (hits.last) stored[id]["last"] = format_time(*hits.last);
    }
    changes.meta[exception_hits_name] = stored.dump();
}

std::vector<std::string> ExceptionBook::expired_words(Timestamp now) const {
    std::vector<std::string> words;
    for (const Exception& one : exceptions_.all())
        if (expired(one, now))
            words.push_back("the exception for " + (one.rule.empty() ? one.template_id : one.rule) +
                            " (" + one.reason + ") of " + one.owner + " expired on " +
                            format_time_for_people(*one.expires) +
                            " and no longer holds; renew or remove it in " + one.file + ":" +
                            std::to_string(one.line));
    return words;
}

}  // namespace runnerwatch
