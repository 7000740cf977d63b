#include "storage/forgetting.h"

#include "storage/coverage.h"

#include <array>
#include <string>
#include <vector>

namespace runnerwatch {

namespace {

constexpr std::array severities{"info", "warning", "error", "critical"};
constexpr std::int64_t batch = 300;

std::int64_t number_of(Timestamp at) { return at.time_since_epoch().count(); }

// An incident with its symptoms and whatever was merged into it: they go together.
const std::string family =
    "WITH RECURSIVE family(key) AS (VALUES (?1) "
    "UNION SELECT incident.key FROM incident JOIN family "
    "ON incident.folded_into = family.key AND incident.folded_into <> '' "
    "UNION SELECT incident.key FROM incident JOIN family "
    "ON incident.merged_into = family.key AND incident.merged_into <> '') ";

class Forgetting {
public:
    Forgetting(Connection& connection, const RetentionRules& rules,
               const std::function<bool()>& may_go_on)
        : connection_(connection), rules_(rules), may_go_on_(may_go_on) {}

    Forgotten run() {
        const Timestamp youngest = rules_.now - RetentionRules::kept_at_least;
        const Timestamp oldest = std::min(rules_.now - rules_.age_max, youngest);
        for (const char* severity : severities)
            forget_incidents(severity, oldest, forgotten_.aged, [] { return true; });
        forget_rows(oldest);
        if (begins_to_crowd()) {
            const auto crowded = [this] { return used() > share(RetentionRules::end_percent); };
            for (const char* severity : severities)
                forget_incidents(severity, youngest, forgotten_.crowded, crowded);
            forgotten_.too_large = !out_of_time_ && used() > share(RetentionRules::begin_percent);
        }
        if (forgotten_.incidents() > 0)
            connection_.execute(
                "INSERT INTO evidence_text(evidence_text, rank) VALUES ('merge', 64)");
        forgotten_.more = out_of_time_;
        forgotten_.bytes_free = bytes("PRAGMA freelist_count");
        forgotten_.bytes_used = bytes("PRAGMA page_count") - forgotten_.bytes_free;
        return forgotten_;
    }

private:
    std::uint64_t bytes(const char* pages) {
        return static_cast<std::uint64_t>(connection_.number(pages)) *
               static_cast<std::uint64_t>(connection_.number("PRAGMA page_size"));
    }
    std::uint64_t used() { return bytes("PRAGMA page_count") - bytes("PRAGMA freelist_count"); }
    std::uint64_t share(std::uint64_t percent) const { return rules_.bytes_max / 100 * percent; }

    // Once begun it goes on, slice by slice, until there is room for a while: what says so is kept
    // in the database, since each slice may be another process's.
    bool begins_to_crowd() {
        if (rules_.bytes_max == 0 || out_of_time_) return false;
        const std::uint64_t now = used();
        const bool crowding =
            connection_.number("SELECT count(*) FROM meta WHERE name = 'crowding'") > 0;
        const bool goes_on =
            now > share(crowding ? RetentionRules::end_percent : RetentionRules::begin_percent);
        if (goes_on && !crowding)
            connection_.execute("INSERT INTO meta (name, value) VALUES ('crowding', 'yes')");
        if (!goes_on && crowding) connection_.execute("DELETE FROM meta WHERE name = 'crowding'");
        return goes_on;
    }

    // Whether the slice is used up. The first piece of work is always done.
    bool tired() {
        out_of_time_ = out_of_time_ || !may_go_on_();
        return out_of_time_;
    }

    template <class Wanted>
    void forget_incidents(const char* severity, Timestamp before, std::uint64_t& count,
                          const Wanted& wanted) {
        if (out_of_time_) return;
        Statement& query = connection_.prepared(
            "SELECT key FROM incident WHERE state = 'resolved' AND folded_into = '' AND "
            "merged_into = '' AND severity = ? AND kept_since < ? AND NOT EXISTS (SELECT 1 FROM "
            "hold WHERE hold.incident = incident.key AND released_at IS NULL) "
            "ORDER BY kept_since LIMIT ?");
        // Of some, the cause or a symptom may not go; so many are looked at and passed over.
        std::int64_t looked_at = batch;
        for (std::size_t passed = 0;; looked_at *= 2) {
            query.bind(1, std::string_view(severity));
            query.bind(2, number_of(before));
            query.bind(3, looked_at);
            const std::vector<std::string> keys = texts(query);
            for (std::size_t i = passed; i < keys.size(); ++i) {
                if (!wanted()) return;
                if (!forget_family(keys[i], before, count)) {
                    ++passed;
                    continue;
                }
                if (tired()) return;
            }
            if (static_cast<std::int64_t>(keys.size()) < looked_at) return;
        }
    }

    std::vector<std::string> texts(Statement& query) {
        std::vector<std::string> found;
        const StatementReset at_end(query);
        while (query.step()) found.push_back(query.text(0));
        return found;
    }

    // Whether it could be forgotten.
    bool forget_family(const std::string& key, Timestamp before, std::uint64_t& count) {
        Statement& kept = connection_.prepared(
            family +
            "SELECT 1 FROM family JOIN incident USING (key) WHERE state NOT IN ('resolved', "
            "'folded') OR kept_since >= ?2 "
            "OR EXISTS (SELECT 1 FROM hold WHERE hold.incident = incident.key AND "
            "released_at IS NULL) "
            "OR EXISTS (SELECT 1 FROM outbox_incident WHERE outbox_incident.incident = "
            "incident.key) LIMIT 1");
        kept.bind(1, std::string_view(key));
        kept.bind(2, number_of(before));
        {
            const StatementReset at_end(kept);
            if (kept.step()) return false;
        }
        Statement& members = connection_.prepared(family + "SELECT key FROM family");
        members.bind(1, std::string_view(key));
        for (const auto& one : texts(members)) {
            forget_incident(one);
            ++count;
        }
        return true;
    }

    void forget_incident(const std::string& key) {
        // A delivery told of it alone, or of others that are still there.
        forgotten_.deliveries += changed(
            "DELETE FROM delivery_attempt WHERE (receiver, delivery_key) IN (SELECT receiver, "
            "delivery_key FROM delivery_incident WHERE incident = ?1 AND NOT EXISTS (SELECT 1 FROM "
            "delivery_incident other WHERE other.receiver = delivery_incident.receiver AND "
            "other.delivery_key = delivery_incident.delivery_key AND other.incident <> ?1))",
            key);
        for (const char* table : {"delivery_incident", "member", "timeline", "evidence", "hold"})
            changed("DELETE FROM " + std::string(table) + " WHERE incident = ?1", key);
        changed("DELETE FROM incident WHERE key = ?1", key);
    }

    std::uint64_t changed(const std::string& sql, const std::string& key) {
        Statement& statement = connection_.prepared(sql);
        statement.bind(1, std::string_view(key));
        statement.run();
        return connection_.changes();
    }

    // What ages by itself, a batch at a time.
    void forget_rows(Timestamp before) {
        struct Kind {
            const char* sql;
            std::uint64_t& count;
        };
        const Kind kinds[] = {
            {"DELETE FROM delivery_attempt WHERE (receiver, delivery_key, attempt, at) IN (SELECT "
             "receiver, delivery_key, attempt, at FROM delivery_attempt WHERE at < ?1 AND NOT "
             "EXISTS (SELECT 1 FROM delivery_incident told WHERE told.receiver = "
             "delivery_attempt.receiver AND told.delivery_key = delivery_attempt.delivery_key) "
             "LIMIT ?2)",
             forgotten_.deliveries},
            {"DELETE FROM coverage WHERE (instance, ordinal) IN (SELECT instance, ordinal FROM "
             "coverage WHERE noted_at < ?1 AND ordinal <> 0 AND \"to\" IS NOT NULL LIMIT ?2)",
             forgotten_.gaps},
            {"DELETE FROM position WHERE instance IN (SELECT instance FROM position WHERE "
             "updated_at < ?1 AND complete AND instance NOT IN (SELECT instance FROM source) "
             "LIMIT ?2)",
             forgotten_.positions},
            {"DELETE FROM coverage WHERE (instance, ordinal) IN (SELECT instance, ordinal FROM "
             "coverage WHERE noted_at < ?1 AND instance NOT IN (SELECT instance FROM source) AND "
             "instance NOT IN (SELECT instance FROM position) LIMIT ?2)",
             forgotten_.gaps},
            {"DELETE FROM template WHERE id IN (SELECT id FROM template WHERE max(noted_at, "
             "coalesce(last_seen, noted_at)) < ?1 LIMIT ?2)",
             forgotten_.templates},
            {"DELETE FROM audit WHERE (incident, change) IN (SELECT incident, change FROM audit "
             "WHERE at < ?1 AND NOT EXISTS (SELECT 1 FROM incident WHERE key = audit.incident) "
             "LIMIT ?2)",
             forgotten_.audits},
        };
        static_assert(read_ordinal == 0);
        for (const auto& [sql, count] : kinds) {
            Statement& statement = connection_.prepared(sql);
            std::uint64_t removed = batch;
            while (removed == batch && !out_of_time_) {
                statement.bind(1, number_of(before));
                statement.bind(2, batch);
                statement.run();
                removed = connection_.changes();
                count += removed;
                if (removed > 0) tired();
            }
        }
    }

    Connection& connection_;
    const RetentionRules& rules_;
    const std::function<bool()>& may_go_on_;
    Forgotten forgotten_;
    bool out_of_time_ = false;
};

}  // namespace

void Forgotten::add(const Forgotten& later) {
    const Forgotten before = *this;
    *this = later;
    aged += before.aged;
    crowded += before.crowded;
    deliveries += before.deliveries;
    gaps += before.gaps;
    positions += before.positions;
    templates += before.templates;
    audits += before.audits;
}

Forgotten forget_slice(Connection& connection, const RetentionRules& rules,
                       const std::function<bool()>& may_go_on) {
    Transaction transaction(connection);
    const Forgotten forgotten = Forgetting(connection, rules, may_go_on).run();
    transaction.commit();
    return forgotten;
}

}  // namespace runnerwatch
