#include "history_rows.h"

#include "parsers/digest.h"
#include "storage/row_io.h"

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

namespace runnerwatch {
namespace {

using std::chrono::days;

std::string padded(std::int64_t number, std::size_t digits) {
    std::string text = std::to_string(number);
    return std::string(digits - std::min(digits, text.size()), '0') + text;
}

// As a daemon's: not in the order of time, so that look-ups by key go anywhere in the file.
std::string key_of(std::int64_t i) {
    return sha256_hex("incident " + std::to_string(i)).substr(0, 32);
}

struct Rows {
    IncidentRow incident;
    MemberRow member;
    EvidenceRow evidence;
};

void set_state(IncidentRow& row, std::int64_t i, std::int64_t count, std::uint64_t draw) {
    row.state = draw == 0 ? IncidentState::folded : IncidentState::resolved;
    if (i + 500 > count) row.state = IncidentState::open;
    if (row.state == IncidentState::open) return;
    row.ended_at = *row.last_seen + std::chrono::minutes(2);
    row.proof = "Checking for jobs... received";
}

// Incident `i` of `count`.
Rows rows_of_incident(std::int64_t i, std::int64_t count) {
    std::mt19937_64 random(static_cast<std::uint64_t>(i));
    const auto pick = [&](std::uint64_t below) { return random() % below; };
    const Timestamp at = history_end - history_span + Duration(history_span) / count * i;
    const std::uint64_t rule = std::min(pick(40), pick(40)), name = pick(20);
    Rows rows;
    IncidentRow& row = rows.incident;
    row.key = key_of(i);
    row.ulid = padded(i, 26);
    row.number = i + 1;
    row.identity = row.key;
    row.rule = "rule-" + padded(static_cast<std::int64_t>(rule), 2);
    row.title = "GitLab refuses this runner's job requests (403)";
    row.impact = "No job can start on this runner.";
    const std::uint64_t severity = pick(100);
    row.severity = severity < 2    ? Severity::critical
                   : severity < 30 ? Severity::error
                   : severity < 90 ? Severity::warning
                                   : Severity::info;
    row.cluster = "prod";
    row.namespace_ = "team-" + std::to_string(name);
    row.workload = "Deployment/runner-" + std::to_string(name * 10 + pick(10));
    row.scope_words = "2 of 2 running pods of " + row.workload;
    row.fields = R"({"host":"gitlab.example.com","runner":"glrt-AAA"})";
    row.headline = "Checking for jobs... forbidden";
    row.first_seen = at;
    // One in a thousand lasts for weeks.
    row.last_seen =
        at + (pick(1'000) == 0 ? Duration(days(static_cast<int>(pick(30))))
                               : std::chrono::seconds(static_cast<std::int64_t>(pick(7'200))));
    set_state(row, i, count, pick(30));
    row.noted_at = at + std::chrono::seconds(2);
    row.count = row.evidence_count = 1;
    rows.member.incident = row.key;
    Place& place = rows.member.place;
    place.member = "runner-" + std::to_string(pick(5'000));
    place.node = "node-" + std::to_string(pick(50));
    place.version = "17." + std::to_string(i * 12 / count) + ".0";
    EvidenceRow& evidence = rows.evidence;
    evidence.incident = row.key;
    evidence.ordinal = 1;
    evidence.rule = row.rule;
    evidence.member = place.member;
    evidence.at = at;
    // In every line; in one of 1,000; in one of 100,000; in this alone.
    evidence.text = "ERROR: Checking for jobs... forbidden runner=glrt" +
                    std::to_string(pick(1'000)) + " correlation=cor" +
                    std::to_string(pick(100'000)) + " job=j" + std::to_string(i);
    evidence.hash = row.key + row.key;
    return rows;
}

// What SQL makes of a table beside its rows, to be made again when they are there.
std::vector<std::string> drop(Connection& connection, const std::string& type) {
    std::vector<std::pair<std::string, std::string>> found;
    {
        Statement query(
            connection,
            "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND type = '" + type + "'");
        while (query.step()) found.emplace_back(query.text(0), query.text(1));
    }
    std::vector<std::string> statements;
    for (const auto& [name, sql] : found) {
        connection.execute(("DROP " + type + " " + name).c_str());
        statements.push_back(sql);
    }
    return statements;
}

// Tables that are kept in the order of incidents' keys are filled in that order.
std::vector<std::int64_t> by_key(std::int64_t count) {
    std::vector<std::pair<std::uint64_t, std::int64_t>> order;
    order.reserve(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i)
        order.emplace_back(std::stoull(key_of(i).substr(0, 16), nullptr, 16), i);
    std::sort(order.begin(), order.end());
    std::vector<std::int64_t> list;
    list.reserve(order.size());
    for (const auto& [unused, i] : order) list.push_back(i);
    return list;
}

}  // namespace

void write_history(const std::string& file, std::int64_t count,
                   const std::function<void(const std::string&)>& says) {
    Connection connection(file, OpenMode::read_write);
    connection.execute(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -3000000;"
        "PRAGMA threads = 2");
    const auto triggers = drop(connection, "trigger"), indexes = drop(connection, "index");
    connection.execute("BEGIN");
    says("incidents and lines");
    for (std::int64_t i = 0; i < count; ++i) {
        const Rows rows = rows_of_incident(i, count);
        put(connection, rows.incident);
        put(connection, rows.evidence);
    }
    says("members and identities");
    for (const std::int64_t i : by_key(count)) {
        const Rows rows = rows_of_incident(i, count);
        put(connection, rows.member);
        put(connection, IdentityRow{rows.incident.identity, 1, rows.incident.key, "[]"});
    }
    connection.execute(
        ("INSERT INTO meta (name, value) VALUES ('last_number', '" + std::to_string(count) + "')")
            .c_str());
    connection.execute("COMMIT");
    for (const auto& sql : indexes) {
        says(sql.substr(0, sql.find('(')));
        connection.execute(sql.c_str());
    }
    says("full text");
    connection.execute("INSERT INTO evidence_text(evidence_text) VALUES ('rebuild')");
    for (const auto& sql : triggers) connection.execute(sql.c_str());
    connection.execute("PRAGMA journal_mode = WAL");
}

}  // namespace runnerwatch
