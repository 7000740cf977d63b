#include "alerts/alertmanager.h"

#include "alerts/message.h"
#include "parsers/visible_text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace runnerwatch {

using nlohmann::json;

namespace {

// "job-request-forbidden" -> "GitLabRunnerJobRequestForbidden"
std::string alert_name(const std::string& rule) {
    std::string name = "GitLabRunner";
    bool upper = true;
    for (const char c : rule) {
        if (c == '-') {
            upper = true;
            continue;
        }
        name += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        upper = false;
    }
    return name;
}

// Only what never changes while the trouble is the same: the label set is the alert's identity.
// (Severity may rise; then the old alert is ended in the same post.)
json labels_for(const IncidentRow& row) {
    json labels = {{"alertname", alert_name(row.rule)},
                   {"severity", to_string(row.severity)},
                   {"response", to_string(row.response)},
                   {"rule", row.rule}};
    const std::pair<const char*, const std::string&> parts[] = {
        {"cluster", row.cluster}, {"namespace", row.namespace_}, {"workload", row.workload}};
    for (const auto& [name, value] : parts)
        if (!value.empty()) labels[name] = value;
    const json fields = json::parse(row.fields);
    for (const auto& [name, value] : fields.items())
        if (!value.get<std::string>().empty())
            labels[name] = visible_text(value.get<std::string>());
    if (const auto cause = top_cause(row)) labels["cause"] = cause->id;
    return labels;
}

std::string annotations_for(const IncidentRow& row, const RulePack& pack) {
    json notes = {{"summary", row.title},
                  {"impact", row.impact},
                  {"scope", row.scope_words},
                  {"line", row.headline},
                  {"incident", row.number > 0 ? "#" + std::to_string(row.number) : row.ulid}};
    const auto cause = top_cause(row);
    if (cause) notes["description"] = cause->confidence + ": " + cause->says;
    if (const auto fix = fix_for(row, {}, pack)) {
        notes["fix"] = fix->title;
        const auto step = std::find_if(fix->steps.begin(), fix->steps.end(),
                                       [](const auto& s) { return !s.command.empty(); });
        if (step != fix->steps.end()) notes["command"] = step->command;
    }
    if (row.state == IncidentState::cannot_tell) notes["cannot_tell"] = row.waiting_for;
    if (!row.proof.empty()) notes["proof"] = row.proof;
    json shown = json::object();
    for (const auto& [name, value] : notes.items())
        if (const auto text = value.get<std::string>(); !text.empty())
            shown[name] = visible_text(shortened(text, 4'000), Newlines::keep);
    return shown.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string dump(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

AlertmanagerLedger::AlertmanagerLedger(const RulePack& pack, std::vector<Target> targets)
    : pack_(&pack), targets_(std::move(targets)) {}

void AlertmanagerLedger::load(const StoredState& state) {
    for (const auto& row : state.alertmanager_sent)
        sent_[{row.receiver, row.url, row.labels}] = row;
}

void AlertmanagerLedger::collect(const Target& target, const std::string& url,
                                 const IncidentRow& incident, bool tell_new, Timestamp now,
                                 std::vector<AlertmanagerSentRow>& rows) {
    if (incident.response == Response::advice) return;
    const std::string labels = dump(labels_for(incident));
    // Labels that this incident no longer has end now.
    for (const auto& [key, row] : sent_) {
        if (row.receiver != target.receiver || row.url != url || row.incident != incident.key)
            continue;
        const bool stale = row.labels != labels || is_over(incident.state);
        if (!stale || row.resolved) continue;
        AlertmanagerSentRow ended = row;
        ended.resolved = true;
        ended.resolved_at = now;
        ended.annotations = annotations_for(incident, *pack_);
        const Timestamp end =
            incident.ended_at && is_over(incident.state) ? *incident.ended_at : now;
        ended.ends_at = std::max(format_time(std::min(end, now)), row.starts_at);
        rows.push_back(std::move(ended));
    }
    if (is_over(incident.state)) return;
    const auto known = sent_.find({target.receiver, url, labels});
    const bool unknown = known == sent_.end() || known->second.resolved;
    if ((known == sent_.end() && !tell_new) || (unknown && !incident.snoozed_by.empty())) return;
    const std::string annotations = annotations_for(incident, *pack_);
    const bool fresh = known == sent_.end() || known->second.resolved ||
                       known->second.incident != incident.key ||
                       known->second.annotations != annotations;
    if (!fresh && known->second.sent_at && now - *known->second.sent_at < refresh) return;
    AlertmanagerSentRow row;
    row.receiver = target.receiver;
    row.url = url;
    row.labels = labels;
    row.incident = incident.key;
    row.starts_at = format_time(incident.first_seen.value_or(incident.noted_at));
    row.ends_at = format_time(now + target.hold);
    row.annotations = annotations;
    rows.push_back(std::move(row));
}

std::vector<AlertmanagerPost> AlertmanagerLedger::due(
    const std::vector<const IncidentRow*>& incidents, bool tell_new, bool even_uncommitted,
    Timestamp now) {
    std::vector<AlertmanagerPost> posts;
    for (const auto& target : targets_) {
        for (const auto& url : target.urls) {
            if (const auto wait = retry_at_.find(url);
                wait != retry_at_.end() && now < wait->second)
                continue;
            std::vector<AlertmanagerSentRow> rows;
            for (const IncidentRow* incident : incidents)
                if (incident->number > 0 || even_uncommitted)
                    collect(target, url, *incident, tell_new, now, rows);
            std::set<std::string> firing;
            for (const auto& row : rows)
                if (!row.resolved) firing.insert(row.labels);
            for (const auto& [key, row] : sent_) {
                if (row.receiver != target.receiver || row.url != url || !row.resolved) continue;
                if (firing.contains(row.labels) || !row.sent_at) continue;
                if (now - *row.sent_at >= refresh) rows.push_back(row);
            }
            if (rows.empty()) continue;
            json alerts = json::array();
            for (auto& row : rows) {
                row.sent_at = now;
                alerts.push_back({{"labels", json::parse(row.labels)},
                                  {"annotations", json::parse(row.annotations)},
                                  {"startsAt", row.starts_at},
                                  {"endsAt", row.ends_at}});
            }
            AlertmanagerPost post{target.receiver, url, {}, std::move(rows)};
            std::string base = url;
            while (!base.empty() && base.back() == '/') base.pop_back();
            post.request.url = base + "/api/v2/alerts";
            post.request.headers = {{"content-type", "application/json"},
                                    {"user-agent", "runnerwatch"}};
            post.request.body = dump(alerts);
            posts.push_back(std::move(post));
        }
    }
    return posts;
}

void AlertmanagerLedger::finished(const AlertmanagerPost& post, bool success, Timestamp now) {
    if (!success) {
        int& failures = failures_[post.url];
        failures = std::min(failures + 1, 5);
        retry_at_[post.url] = now + std::chrono::seconds(2 << failures);
        return;
    }
    failures_.erase(post.url);
    retry_at_.erase(post.url);
    for (const auto& row : post.rows) {
        const Key key{row.receiver, row.url, row.labels};
        if (row.resolved && row.resolved_at && now - *row.resolved_at > resolved_for) {
            sent_.erase(key);
            changes_.alertmanager_sent[key] = std::nullopt;
            continue;
        }
        sent_[key] = row;
        changes_.alertmanager_sent[key] = row;
    }
}

std::optional<Timestamp> AlertmanagerLedger::next_due() const {
    std::optional<Timestamp> next;
    for (const auto& [unused, row] : sent_)
        if (row.sent_at && (!next || *row.sent_at + refresh < *next)) next = *row.sent_at + refresh;
    for (const auto& [unused, at] : retry_at_)
        if (!next || at < *next) next = at;
    return next;
}

void AlertmanagerLedger::take_changes(ChangeSet& changes) {
    changes.merge(std::exchange(changes_, ChangeSet{}));
}

}  // namespace runnerwatch
