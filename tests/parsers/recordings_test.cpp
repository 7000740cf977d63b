// What the built-in rules say about every line a real runner wrote.

#include "tests/parsers/recordings.h"
#include "parsers/matcher.h"
#include "parsers/packed_rules.h"
#include "parsers/rule_loader.h"

#include <gmock/gmock.h>
#include <re2/re2.h>
#include <nlohmann/json.hpp>

#include <map>
#include <set>
#include <sstream>

namespace runnerwatch {
namespace {

using testing::Contains;
using testing::IsEmpty;
using Lines = std::set<std::uint64_t>;

const Matcher& built_in_matcher() {
    static const Matcher matcher(built_in_pack());
    return matcher;
}

// The catalogue ids that the pack can report.
std::set<std::string> implemented_kinds() {
    std::set<std::string> kinds;
    for (const Rule& rule : built_in_matcher().pack().rules) {
        kinds.insert(rule.catalog);
        for (const Cause& cause : rule.causes) kinds.insert(cause.catalog);
    }
    kinds.erase("");
    return kinds;
}

struct Recording {
    std::string file;
    bool healthy = false;                 // nothing is expected
    std::map<std::string, Lines> kinds;   // expected, of those implemented
    std::vector<std::uint64_t> recovery;  // lines that prove it
};

std::vector<Recording> index_of_recordings() {
    const std::set<std::string> implemented = implemented_kinds();
    std::vector<Recording> recordings;
    std::istringstream index(read_recording("index.jsonl"));
    for (std::string line; std::getline(index, line);) {
        const auto entry = nlohmann::json::parse(line);
        Recording recording;
        recording.file = entry.at("file");
        recording.healthy = entry.at("expected").empty();
        for (const auto& condition : entry.at("expected")) {
            const auto& kind = condition.at("kind");
            if (kind.is_null() || implemented.count(kind) == 0) continue;
            for (const std::uint64_t number : condition.at("line_numbers"))
                recording.kinds[kind].insert(number);
        }
        if (!entry.at("recovered_by").is_null())
            recording.recovery = entry.at("recovered_by").get<std::vector<std::uint64_t>>();
        recordings.push_back(std::move(recording));
    }
    return recordings;
}

std::map<std::string, Lines> kinds_found(const std::vector<ReadRecord>& records) {
    std::map<std::string, Lines> found;
    for (const ReadRecord& record : records) {
        std::vector<std::string> kinds;
        const Match match = built_in_matcher().match(record.decoded());
        if (match.notice != nullptr && !match.notice->catalog.empty())
            kinds.push_back(match.notice->catalog);
        for (const Detection& detection : match.detections) {
            kinds.insert(kinds.end(), detection.also.begin(), detection.also.end());
            kinds.push_back(detection.rule->catalog);
        }
        for (const std::string& kind : kinds)
            for (std::uint64_t line = record.first_line;
                 line <= record.last_line + record.continuation.size(); ++line)
                found[kind].insert(line);
    }
    return found;
}

TEST(Recordings, AreAllInTheIndex) {
    std::vector<std::string> indexed;
    for (const Recording& recording : index_of_recordings()) indexed.push_back(recording.file);
    EXPECT_THAT(indexed, testing::UnorderedElementsAreArray(recording_names()));
}

TEST(Recordings, ShowEachKindExactlyOnItsLines) {
    std::set<std::string> seen;
    for (const Recording& recording : index_of_recordings()) {
        SCOPED_TRACE(recording.file);
        EXPECT_EQ(kinds_found(records_of(read_recording(recording.file))), recording.kinds);
        for (const auto& [kind, lines] : recording.kinds) seen.insert(kind);
    }
    EXPECT_GE(seen.size(), 40u) << "the index is read, and most kinds of it are known";
}

TEST(Recordings, RaiseNothingWhereTheRunnerWasHealthy) {
    int healthy = 0;
    for (const Recording& recording : index_of_recordings()) {
        if (!recording.healthy) continue;
        ++healthy;
        SCOPED_TRACE(recording.file);
        for (const ReadRecord& record : records_of(read_recording(recording.file)))
            for (const Detection& detection : built_in_matcher().match(record.decoded()).detections)
                EXPECT_LT(detection.rule->severity, Severity::error)
                    << record.first_line << ": " << detection.rule->id;
    }
    EXPECT_GE(healthy, 15);
}

TEST(Recordings, ShowTheRecoveryOfRefusedAndUnansweredRequests) {
    // The kinds that the index's recovery lines are about. Another rule's trouble may go on: a job
    // that was received says nothing about the system ID.
    const std::map<std::string, std::string> rules{{"GLR-API-403-JOBREQ", "job-request-forbidden"},
                                                   {"GLR-API-5XX", "gitlab-unavailable"}};
    int checked = 0;
    for (const Recording& recording : index_of_recordings()) {
        SCOPED_TRACE(recording.file);
        const auto records = records_of(read_recording(recording.file));
        for (const auto& [kind, rule] : rules) {
            if (recording.kinds.count(kind) == 0) continue;
            Lines recovered;
            for (const ReadRecord& record : records)
                for (const RecoveryHit& hit : built_in_matcher().match(record.decoded()).recoveries)
                    for (const RecoveryLine::Use& use : hit.line->proves)
                        if (use.rule->id == rule) recovered.insert(record.first_line);
            for (const std::uint64_t line : recording.recovery) {
                EXPECT_THAT(recovered, Contains(line)) << rule;
                ++checked;
            }
        }
    }
    EXPECT_GE(checked, 9);
}

TEST(Recordings, DisablingHasTheIdentityOfTheRefusalsBeforeIt) {
    for (const char* name :
         {"seed-403-readonly.runner.log", "seed-403-readonly.text.log",
          "seed-403-readonly.json.log", "api-403-glrt.runner.log", "config-deploy-token.json.log",
          "config-placeholder-token.runner.log", "seed-403-short-interval-persists.runner.log"}) {
        SCOPED_TRACE(name);
        std::map<std::string, std::set<std::vector<std::pair<std::string, std::string>>>>
            identities;
        for (const ReadRecord& record : records_of(read_recording(name)))
            for (const Detection& detection : built_in_matcher().match(record.decoded()).detections)
                identities[detection.rule->id].insert(detection.identity);
        EXPECT_EQ(identities["runner-disabled"], identities["job-request-forbidden"]);
        EXPECT_EQ(identities["job-request-forbidden"].size(), 1u);
        if (identities.count("runner-check-forced") > 0) {
            EXPECT_EQ(identities["runner-check-forced"], identities["runner-disabled"]);
        }
    }
}

TEST(Recordings, CannotBeForgedByWhatAJobWrites) {
    const std::vector<std::string> texts{
        "Checking for jobs... forbidden", "Checking for jobs... received", "Configuration loaded",
        "Starting multi-runner from x",
        "Runner \"https://gitlab.example.comglpat-FAK\" is unhealthy and will be disabled for 1h"};
    for (const std::string& text : texts) {
        for (const std::string& before :
             {std::string("Job failed: "), std::string("x\n"),
              std::string("Failed to pull image \""), std::string(" ")}) {
            SCOPED_TRACE(before + text);
            Record record;
            record.message = before + text;
            record.fields = {
                {"runner", "glpat-FAK"}, {"error", text}, {"status", "502 Bad Gateway"}};
            const Match match = built_in_matcher().match(record);
            for (const Detection& detection : match.detections)
                EXPECT_EQ(detection.rule->id, "job-failed") << "it is that, and nothing it quotes";
            EXPECT_THAT(match.recoveries, IsEmpty());
        }
    }
}

// As Go's encoder writes it.
std::string as_json(const Record& record) {
    const nlohmann::json object{{"level", "info"}, {"msg", record.message}};
    std::string text = object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    std::string escaped;
    for (const char c : text)
        escaped += c == '<'   ? "\\u003c"
                   : c == '>' ? "\\u003e"
                   : c == '&' ? "\\u0026"
                              : std::string(1, c);
    return escaped;
}

std::string as_text(const Record& record) {
    std::string quoted;
    for (const char c : record.message)
        quoted += c == '\n'               ? "\\n"
                  : c == '"' || c == '\\' ? std::string("\\") + c
                                          : std::string(1, c);
    return "level=info msg=\"" + quoted + "\"";
}

// Patterns of all sorts: those of the rules, and the many of the benchmark, anywhere.
struct Pattern {
    std::string text;
    RE2::Anchor anchor;
};

std::vector<Pattern> many_patterns() {
    std::vector<Pattern> patterns;
    for (const Rule& rule : built_in_matcher().pack().rules) {
        for (const Detect& detect : rule.detect)
            patterns.push_back({detect.message, RE2::ANCHOR_START});
        for (const Recovery& recovery : rule.recover)
            patterns.push_back({recovery.message, RE2::ANCHOR_START});
    }
    std::istringstream file(read_recording("../bench/patterns.txt"));
    for (std::string line; std::getline(file, line);) patterns.push_back({line, RE2::UNANCHORED});
    patterns.push_back({R"(echo "r_\w+" > "/etc)", RE2::UNANCHORED});
    patterns.push_back({R"(limit' settings \(≤2\))", RE2::UNANCHORED});
    patterns.push_back({R"((?i)CONFIGURATION: long POLLING issues)", RE2::UNANCHORED});
    return patterns;
}

TEST(Recordings, TheFilterNeverSaysNoWhenAPatternMatches) {
    struct Single {
        RE2 regex;
        RE2::Anchor anchor;
        Matcher matcher;
        int matches = 0;
    };
    std::vector<std::unique_ptr<Single>> singles;
    for (const Pattern& pattern : many_patterns()) {
        Rule rule;
        rule.id = "single";
        rule.detect.push_back({pattern.text, pattern.anchor == RE2::UNANCHORED, {}, {}});
        singles.emplace_back(
            new Single{{pattern.text, RE2::Quiet}, pattern.anchor, Matcher({"p", "1", {rule}})});
        ASSERT_TRUE(singles.back()->regex.ok()) << pattern.text;
    }
    for (const std::string& name : recording_names()) {
        SCOPED_TRACE(name);
        for (const ReadRecord& read : records_of(read_recording(name))) {
            const Record record = read.decoded();
            for (const auto& single : singles) {
                if (!single->regex.Match(record.message, 0, record.message.size(), single->anchor,
                                         nullptr, 0))
                    continue;
                ++single->matches;
                ASSERT_EQ(single->matcher.match(record).detections.size(), 1u) << record.message;
                for (const std::string& raw : {read.raw, as_json(record), as_text(record)})
                    ASSERT_TRUE(single->matcher.may_match(raw)) << single->regex.pattern() << "\n"
                                                                << raw;
            }
        }
    }
    int used = 0;
    for (const auto& single : singles) used += single->matches > 0;
    EXPECT_GE(used, 40) << "most patterns are there to be tried";
}

TEST(Recordings, TheFilterLetsFewHealthyRecordsThrough) {
    int records = 0, passed = 0;
    for (const ReadRecord& record : records_of(read_recording("job-success.runner-debug.log"))) {
        ++records;
        passed += built_in_matcher().may_match(record.raw);
    }
    EXPECT_GT(records, 80);
    // A start and a job: what proves recovery in them passes by right.
    EXPECT_LT(passed, records / 5);
    EXPECT_THAT(built_in_matcher().slow_patterns(), IsEmpty());
}

}  // namespace
}  // namespace runnerwatch
