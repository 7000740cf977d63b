// Random sequences of failures, recoveries, acts, restarts and passing time, against the simplest
// model of what people's acts leave behind. ACT_SEQUENCES says how many (2,000).
#include "tests/alerts/book_fixture.h"
#include "tests/alerts/random_act.h"

#include <cstdlib>
#include <set>

namespace runnerwatch {
namespace {

// What the model knows of an incident.
struct Attributes {
    std::string owner, snoozed_by, assignee, into;
    std::optional<Timestamp> owned_until, snoozed_until;
    std::int64_t snoozed_count = 0;
    bool until_worse = false;
    std::set<std::string> tags;
    bool operator==(const Attributes&) const = default;

    void wake() {
        snoozed_by.clear();
        snoozed_until.reset();
        snoozed_count = 0;
        until_worse = false;
    }
};

Attributes of_row(const IncidentRow& row) {
    Attributes is{row.acknowledged_by, row.snoozed_by,          row.assignee,
                  row.merged_into,     row.acknowledged_until,  row.snoozed_until,
                  row.snoozed_count,   row.snoozed_until_worse, {}};
    for (std::size_t at = 0; at < row.tags.size();) {
        const std::size_t end = std::min(row.tags.find(' ', at), row.tags.size());
        is.tags.insert(row.tags.substr(at, end - at));
        at = end + 1;
    }
    return is;
}

class ActsModel : public BookTest {
protected:
    bool over(const std::string& key) const {
        const IncidentState state = book->find(key)->state;
        return state == IncidentState::resolved || state == IncidentState::folded;
    }

    std::string root(std::string key) const {
        while (!model.at(key).into.empty()) key = model.at(key).into;
        return key;
    }

    bool group_lasts(const std::string& key) const {
        for (const auto& [other, unused] : model)
            if (book->find(other) && root(other) == root(key) && !over(other)) return true;
        return false;
    }

    // What the model says becomes of it, in the words of the design.
    void expect(const ActRequest& request) {
        Attributes& is = model[request.incident];
        const bool lasts = group_lasts(request.incident);
        if (const auto* ack = std::get_if<Acknowledge>(&request.act); ack && lasts) {
            is.owner = ack->owner.empty() ? request.actor : ack->owner;
            is.owned_until = ack->until;
        } else if (std::holds_alternative<Unacknowledge>(request.act)) {
            is.owner.clear();
            is.owned_until.reset();
        } else if (const auto* snooze = std::get_if<Snooze>(&request.act); snooze && lasts) {
            const std::int64_t count = snooze->count.value_or(0);
            const bool said = snooze->until || snooze->count || snooze->until_worse;
            const bool reached = snooze->count && count <= book->find(request.incident)->count;
            const bool as_before = !is.snoozed_by.empty() && is.snoozed_until == snooze->until &&
                                   is.snoozed_count == count &&
                                   is.until_worse == snooze->until_worse;
            if (!said || reached || as_before) return;
            is.snoozed_by = request.actor;
            is.snoozed_until = snooze->until;
            is.snoozed_count = count;
            is.until_worse = snooze->until_worse;
        } else if (std::holds_alternative<Unsnooze>(request.act)) {
            is.wake();
        } else if (const auto* assign = std::get_if<Assign>(&request.act)) {
            is.assignee = assign->to;
        } else if (const auto* tag = std::get_if<Tag>(&request.act)) {
            is.tags.insert(tag->tags.begin(), tag->tags.end());
        } else if (const auto* untag = std::get_if<Untag>(&request.act)) {
            for (const auto& one : untag->tags) is.tags.erase(one);
        } else if (const auto* into = std::get_if<MergeInto>(&request.act)) {
            const bool symptom = book->find(into->into)->state == IncidentState::folded;
            if (is.into.empty() && root(into->into) != request.incident && !symptom)
                is.into = into->into;
        } else if (std::holds_alternative<Split>(request.act)) {
            is.into.clear();
        }
    }

    // A new occurrence takes over what still holds; what the log does wakes, nothing else.
    void learn() {
        for (const auto* row : book->incidents()) {
            const auto [known, fresh] = model.try_emplace(row->key);
            Attributes& is = known->second;
            if (fresh && model.contains(row->previous)) {
                const Attributes& before = model.at(row->previous);
                if (before.snoozed_until && *before.snoozed_until > now) {
                    is.snoozed_by = before.snoozed_by;
                    is.snoozed_until = before.snoozed_until;
                    is.snoozed_count = before.snoozed_count;
                    is.until_worse = before.until_worse;
                }
                const bool held = book->find(row->previous) != nullptr;
                if (held && lasted.contains(root(row->previous))) is.into = root(row->previous);
            }
            if (is.snoozed_count > 0 && row->count >= is.snoozed_count) is.wake();
        }
    }

    void compare() {
        for (const auto* row : book->incidents()) {
            Attributes want = model.at(row->key);
            // When a severity rises is the rules' affair.
            if (want.until_worse && row->snoozed_by.empty()) {
                want.wake();
                model[row->key].wake();
            }
            ASSERT_EQ(of_row(*row), want) << row->key << " " << row->woke_because;
        }
    }

    // Groups that had something going on before what happens now.
    void remember_groups() {
        lasted.clear();
        std::map<std::string, int> sizes;
        for (const auto& [key, unused] : model)
            if (book->find(key)) ++sizes[root(key)];
        for (const auto& [key, unused] : model)
            if (book->find(key) && sizes[root(key)] > 1 && !over(key)) lasted.insert(root(key));
    }

    void expire() {
        for (auto& [key, is] : model) {
            if (!book->find(key)) continue;
            if (is.snoozed_until && *is.snoozed_until <= now) is.wake();
            if (is.owned_until && *is.owned_until <= now && group_lasts(key)) {
                is.owner.clear();
                is.owned_until.reset();
            }
        }
    }

    std::map<std::string, Attributes> model;
    std::set<std::string> lasted;
};

TEST_F(ActsModel, AgreesWithTheBookOverRandomSequences) {
    const char* wanted = std::getenv("ACT_SEQUENCES");
    const unsigned sequences = wanted ? static_cast<unsigned>(std::atoi(wanted)) : 2'000;
    for (unsigned seed = 1; seed <= sequences; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937 random(seed);
        const auto any = [&](unsigned n) { return static_cast<int>(random() % n); };
        book = std::make_unique<IncidentBook>(pack, "db");
        rows = {};
        model.clear();
        line = 0;
        now = noon + 24h;
        Timestamp at = noon;
        const char* rules[] = {"forbidden", "disabled", "thrice"};
        const char* pods[] = {"a", "b"};
        for (const char* name : pods) start(pod(name));
        for (int step = 0; step < 40; ++step) {
            at += std::chrono::seconds(1 + any(240));
            now += std::chrono::seconds(any(300));
            const Place place = pod(pods[any(2)]);
            const std::string runner(1, static_cast<char>('A' + any(2)));
            remember_groups();
            const auto incidents = book->incidents();
            const int what = any(10);
            if (what < 3) {
                fail(rules[any(3)], place, at, runner);
            } else if (what < 4) {
                recover("forbidden", 0, place, at, {{"runner_name", "name-" + runner}});
            } else if (what < 5) {
                expire();
                book->tick(now);
            } else if (what < 6) {
                restart();
            } else if (!incidents.empty()) {
                const ActRequest request = random_act(random, incidents, now);
                const auto copy = model;
                expect(request);
                const bool changes = model != copy;
                const auto done = book->act(request, now);
                // Symptoms refuse what is not theirs; the model does not know which.
                if (!done && book->find(request.incident)->state == IncidentState::folded) {
                    model = copy;
                } else if (!done) {
                    ASSERT_FALSE(changes) << done.error().what;
                } else if (changes) {
                    ASSERT_TRUE(done->changed);
                }
            }
            learn();
            compare();
            if (HasFatalFailure() || HasNonfatalFailure()) return;
        }
    }
}

}  // namespace
}  // namespace runnerwatch
