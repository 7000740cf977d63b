#pragma once

#include "alerts/incident_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace runnerwatch {

using namespace std::chrono_literals;

const Timestamp noon = Timestamp(12h) + std::chrono::days(20'000);

// The kind of line a recovery looks for, as the matcher of this pack tells it.
inline RecoveryLine recovery_line(const RulePack& pack, const Recovery& recovery) {
    RecoveryLine line{recovery.line_id(), recovery.same, {}};
    for (const Rule& rule : pack.rules)
        for (std::size_t i = 0; i < rule.recover.size(); ++i)
            if (rule.recover[i].line_id() == line.id)
                line.proves.push_back({&rule, static_cast<int>(i)});
    return line;
}

// A pack of four rules with the shapes that matter: one that opens at once and recovers by
// evidence or by a quiet restart, its symptom, one that opens at three, one that ends by silence.
inline RulePack book_rules() {
    Rule forbidden;
    forbidden.id = "forbidden";
    forbidden.title = "job requests refused";
    forbidden.severity = Severity::error;
    forbidden.raise_to = Severity::critical;
    forbidden.response = Response::page;
    forbidden.identity = {"runner"};
    Recovery job;
    job.message = "Checking for jobs\\.\\.\\. received";
    job.same = {"runner_name"};
    Recovery reload;
    reload.kind = Recovery::Kind::after;
    reload.message = "Configuration loaded";
    reload.hold = 60s;
    forbidden.recover = {job, reload};
    forbidden.symptoms = {"disabled"};

    Rule disabled;
    disabled.id = "disabled";
    disabled.title = "runner disabled";
    disabled.severity = Severity::critical;
    disabled.response = Response::page;
    disabled.identity = {"runner"};

    Rule thrice;
    thrice.id = "thrice";
    thrice.title = "GitLab unavailable";
    thrice.severity = Severity::error;
    thrice.open.count = 3;
    thrice.open.within = 5min;
    thrice.silence = 5min;

    Rule across = thrice;
    across.id = "across";
    across.open.across_members = true;

    Rule many_jobs = thrice;
    many_jobs.id = "many-jobs";
    many_jobs.open.distinct = "job";

    // Waits for a line that may fail to come, and for its end where `or_end` says so.
    Rule no_start;
    no_start.id = "no-start";
    no_start.title = "the manager did not start";
    no_start.detect = {{"Runtime platform"}};
    no_start.detect[0].absent = Absence{"Initializing executor providers", 60s, false};
    no_start.recover = {Recovery{Recovery::Kind::evidence, "Initializing executor providers", {}}};
    Rule no_end = no_start;
    no_end.id = "no-end";
    no_end.detect[0].absent->or_end = true;

    Rule then;
    then.id = "then";
    then.title = "first, second and third";
    then.identity = {"runner"};
    then.open.within = 5min;
    then.open.sequence = {"second", "third"};

    Rule probed;
    probed.id = "probed";
    probed.open.probe = "port";
    return {"test",
            "1",
            {forbidden, disabled, thrice, across, many_jobs, no_start, no_end, then, probed}};
}

class BookTest : public testing::Test {
protected:
    BookTest() : book(std::make_unique<IncidentBook>(pack, "db")) {}

    static Place pod(const std::string& name, Timestamp created = noon - 1h, int restart = 0) {
        Place place;
        place.cluster = "prod";
        place.namespace_ = "gitlab-runner";
        place.workload = "Deployment/gitlab-runner";
        place.member = name;
        place.member_uid = "uid-" + name;
        place.member_created = created;
        place.container = "runner";
        place.instance = name + "/" + std::to_string(restart);
        return place;
    }

    void start(const Place& place, Timestamp at = noon - 1h) {
        book->lifecycle({LifecycleKind::started, place, at}, now);
    }

    EvidenceRef fail(const std::string& rule, const Place& place, Timestamp at,
                     const std::string& runner = "A", const Values& more = {}) {
        return observe(rule, place, at, Observation::detected, runner, more);
    }

    // A line that a detection of the rule may wait for.
    EvidenceRef follow(const std::string& rule, int step, const Place& place, Timestamp at,
                       const std::string& runner = "A") {
        return observe(rule, place, at, step, runner, {});
    }

    EvidenceRef observe(const std::string& rule, const Place& place, Timestamp at, int step,
                        const std::string& runner, const Values& more) {
        Observation seen;
        seen.rule = pack.find(rule);
        seen.step = step;
        if (step == Observation::detected && !seen.rule->detect.empty() &&
            seen.rule->detect[0].absent)
            seen.absent = &*seen.rule->detect[0].absent;
        seen.place = place;
        seen.at = at;
        seen.first_line = seen.last_line = ++line;
        seen.values = {{"runner", runner}, {"runner_name", "name-" + runner}};
        for (const auto& [name, value] : more) seen.values[name] = value;
        for (const auto& name : seen.rule->identity)
            seen.identity.emplace_back(name, seen.values[name]);
        seen.text = seen.headline = "failure of " + runner;
        book->watermark(place.instance, at, now);
        return book->observe(seen, now);
    }

    void recover(const std::string& rule, int index, const Place& place, Timestamp at,
                 const Values& values = {}) {
        const Recovery& looked_for = pack.find(rule)->recover[static_cast<std::size_t>(index)];
        const RecoveryLine kind = recovery_line(pack, looked_for);
        RecoveryObservation seen;
        seen.kind = &kind;
        seen.place = place;
        seen.at = at;
        seen.line = ++line;
        seen.values = values;
        seen.text = index == 0 ? "Checking for jobs... received" : "Configuration loaded";
        book->watermark(place.instance, at, now);
        book->recover(seen, now);
    }

    Result<ActDone, ActRefusal> act(const std::string& key, IncidentAct what,
                                    const std::string& note = "",
                                    const std::string& actor = "ann") {
        return book->act({key, std::move(what), actor, "api", note}, now);
    }

    // Takes a book down to rows and up again, as a restart does.
    void restart() {
        const std::string before = book->snapshot();
        rows.merge(book->take_changes());
        StoredState stored;
        const auto list = [](const auto& from, auto& to) {
            for (const auto& [unused, row] : from)
                if (row) to.push_back(*row);
        };
        list(rows.identities, stored.identities);
        list(rows.incidents, stored.incidents);
        list(rows.members, stored.members);
        list(rows.evidence, stored.evidence);
        list(rows.pending, stored.pending);
        list(rows.sources, stored.sources);
        list(rows.recovery_marks, stored.recovery_marks);
        book = std::make_unique<IncidentBook>(pack, "db");
        book->load(stored);
        ASSERT_EQ(book->snapshot(), before);
    }

    std::vector<const IncidentRow*> of(const std::string& rule) const {
        std::vector<const IncidentRow*> found;
        for (const auto* row : book->incidents())
            if (row->rule == rule) found.push_back(row);
        return found;
    }

    const IncidentRow& only(const std::string& rule) const {
        const auto found = of(rule);
        EXPECT_EQ(found.size(), 1u);
        return *found.at(0);
    }

    RulePack pack = book_rules();
    std::unique_ptr<IncidentBook> book;
    ChangeSet rows;
    Timestamp now = noon + 24h;
    std::uint64_t line = 0;
};

}  // namespace runnerwatch
