#pragma once

#include "storage/change_set.h"

#include <string>

// A history as a daemon would have written it: an incident that was told and acknowledged, with a
// rollout and a gap, the occurrence before it, a symptom, and one that is open. Log lines hold what
// a job's author could put there.
namespace runnerwatch {

inline const Timestamp history_noon = Timestamp(std::chrono::days(20'000)) + std::chrono::hours(12);

class PastIncidents {
public:
    PastIncidents() {
        const auto day = std::chrono::days(1);
        incident(1, history_noon - 3 * day, "refused");
        end(1, history_noon - 3 * day + std::chrono::minutes(20));
        incident(2, history_noon, "refused");
        row(2).previous = row(1).key;
        row(2).occurrence = 2;
        tell_story();
        incident(4, history_noon + std::chrono::hours(1), "other");
        row(4).rule = "job-result-lost";
        row(4).title = "A job's result was lost";
        row(4).severity = Severity::error;
        row(4).causes = "[]";
        row(4).acknowledged_by.clear();
        incident(3, history_noon + std::chrono::minutes(1), "symptom");
        row(3).rule = "runner-disabled";
        row(3).title = "The runner gave up polling GitLab for a while";
        row(3).state = IncidentState::folded;
        row(3).folded_into = row(2).key;
    }

    ChangeSet take() { return std::move(set_); }

private:
    static std::string key(int number) { return std::string(31, 'a') + std::to_string(number); }
    static std::string pod(int number) { return "runner-5d8f7c9b6d-" + std::to_string(number); }
    IncidentRow& row(int number) { return *set_.incidents.at(key(number)); }

    void incident(int number, Timestamp at, const std::string& identity) {
        IncidentRow row;
        row.key = key(number);
        row.ulid = "01ARYZ6S41TSV4RRFFQ69G5FA" + std::to_string(number);
        row.identity = identity + std::to_string(number);
        row.rule = "job-request-forbidden";
        row.catalog = "GLR-API-403-JOBREQ";
        row.title = "GitLab refuses this runner's job requests (403)";
        row.impact = "No job can start on this runner.";
        row.severity = Severity::critical;
        row.response = Response::page;
        row.cluster = "prod";
        row.namespace_ = "gitlab-runner";
        row.workload = "Deployment/runner";
        row.scope_words = "2 of 2 running pods of Deployment/runner in namespace gitlab-runner";
        row.fields = R"({"host":"gitlab.example.com","runner":"glpat-FAK"})";
        row.values = R"({"runner":"glpat-FAK","namespace":"gitlab-runner","workload":"runner"})";
        row.causes =
            R"([{"id":"wrong-token-kind","catalog":"GLR-TOKEN-WRONG-KIND","confidence":"certain",)"
            R"("says":"The token is a personal access token (glpat-).","disproved_by":)"
            R"("a job request that is not refused","fix":"replace-runner-token"}])";
        row.headline = "Checking for jobs... forbidden";
        row.first_seen = row.last_seen = at;
        row.noted_at = at + std::chrono::seconds(2);
        row.count = row.evidence_count = 1;
        row.waiting_for = "\"Checking for jobs... received\"";
        set_.incidents[row.key] = row;
        MemberRow member;
        member.incident = row.key;
        member.place = {"prod",   "gitlab-runner", "Deployment/runner",   pod(number),
                        "runner", "node-1",        "prod/" + pod(number), "uid-" + pod(number),
                        at};
        member.first_seen = member.last_seen = at;
        member.count = 1;
        set_.members[{row.key, member.place.member}] = member;
        change(number, at, ClockKind::source, "opened", pod(number), row.title,
               "prod/" + pod(number) + ":7");
        EvidenceRow evidence;
        evidence.incident = row.key;
        evidence.ordinal = 1;
        evidence.rule = row.rule;
        evidence.instance = "prod/" + pod(number);
        evidence.member = pod(number);
        evidence.at = at;
        evidence.first_line = evidence.last_line = 7;
        evidence.context_before = "Starting multi-runner from /etc/gitlab-runner/config.toml...";
        evidence.text =
            "\x1b[31;1mERROR: Checking for jobs... forbidden   \x1b[0;m  runner\x1b[0;m=glpat-FAK "
            "\x1b[2J<script>alert(1)</script> | `tick` \u202etxt.exe";
        evidence.hash = "6234300b0c7731b1";
        set_.evidence[{row.key, 0}] = evidence;
    }

    void end(int number, Timestamp at) {
        row(number).state = IncidentState::resolved;
        row(number).ended_at = at;
        row(number).waiting_for.clear();
        row(number).proof = pod(number) + ": \"Checking for jobs... received\"";
        change(number, at - std::chrono::minutes(1), ClockKind::source, "member_recovering",
               pod(number), "recovering: " + row(number).proof);
        change(number, at, ClockKind::source, "resolved", "runnerwatch",
               "resolved: " + row(number).proof);
    }

    void change(int number, std::optional<Timestamp> at, ClockKind clock, const std::string& kind,
                const std::string& actor, const std::string& text,
                const std::string& evidence = {}) {
        const std::int64_t next = ++row(number).changes;
        set_.timeline[{key(number), next}] =
            TimelineRow{key(number), next, at, clock, kind, actor, text, "{}", evidence};
    }

    void tell_story() {
        using std::chrono::minutes, std::chrono::seconds;
        const std::string told = R"({")" + key(2) + R"(":"open:critical:0"})";
        DeliveryAttemptRow attempt{"on-call", "{}", "delivery-1", 1,   history_noon + seconds(30),
                                   "retry",   503,  "",           told};
        set_.attempts.push_back(attempt);
        attempt.attempt = 2;
        attempt.at = history_noon + seconds(40);
        attempt.verdict = "sent";
        attempt.status = 204;
        set_.attempts.push_back(attempt);
        attempt.receiver = "chat";
        attempt.verdict = "gave_up";
        attempt.status = 0;
        attempt.error = "no such channel";
        set_.attempts.push_back(attempt);
        change(2, history_noon + minutes(5), ClockKind::ours, "ack", "anna", "looking into it");
        change(2, history_noon + minutes(25), ClockKind::source, "rollout", pod(2),
               "rollout of Deployment/runner: revision 7b64cf5c88");
        change(2, std::nullopt, ClockKind::ours, "member_gone", pod(2), pod(2) + " is gone");
        end(2, history_noon + minutes(30));
        row(2).acknowledged_by = "anna";
        row(2).count = 3;
        row(2).symptoms = R"({"runner-disabled":{"title":"The runner gave up polling GitLab for a )"
                          R"(while","count":1}})";
        CoverageRow gap;
        gap.instance = "prod/" + pod(2);
        gap.ordinal = 1;
        gap.kind = "rotated_while_disconnected";
        gap.certainty = "possibly_lost";
        gap.from = history_noon + minutes(10);
        gap.to = history_noon + minutes(11);
        set_.coverage[{gap.instance, gap.ordinal}] = gap;
        gap.ordinal = 2;
        gap.from = gap.to = history_noon + minutes(60);
        gap.details = "behind its end";
        set_.coverage[{gap.instance, gap.ordinal}] = gap;
    }

    ChangeSet set_;
};

}  // namespace runnerwatch
