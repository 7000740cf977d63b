// What the author of a job chooses (names of images, values of variables, what a script prints as
// its error) stands inside records of the runner. It must not pass for another failure.

#include "parsers/matcher.h"
#include "parsers/packed_rules.h"
#include "parsers/rule_loader.h"
#include "tests/parsers/recordings.h"

#include <gmock/gmock.h>

#include <set>

namespace runnerwatch {
namespace {

using testing::Contains;
using testing::IsEmpty;

const Matcher& built_in_matcher() {
    static const Matcher matcher(built_in_pack());
    return matcher;
}

// Every message that some rule takes for a failure, a recovery or nothing.
std::set<std::string> messages_of_samples() {
    std::set<std::string> messages;
    for (const Rule& rule : built_in_matcher().pack().rules)
        for (const auto* samples : {&rule.sample_detect, &rule.sample_recover})
            for (const Sample& sample : *samples)
                for (const ReadRecord& record : records_of(sample.text))
                    messages.insert(record.decoded().message);
    return messages;
}

Record record_of(const std::string& message, const std::string& error) {
    Record record;
    record.level = Level::error;
    record.message = message;
    record.fields = {{"error", error}, {"job", "4211"}, {"project", "6"}, {"runner", "FAKEfakeF"}};
    return record;
}

struct Place {
    std::string before, after;
    std::set<std::string> rules;  // that may take it
};

TEST(Forgery, WhatTheAuthorOfAJobWritesIsNoOtherFailure) {
    const std::set<std::string> messages = messages_of_samples();
    ASSERT_GE(messages.size(), 50u);
    const std::string pull = "prepare environment: waiting for pod running: pulling image \"";
    const std::vector<Place> places{
        {"Failed to pull image \"",
         "\" for container \"build\" with policy \"\": x",
         {"k8s-image-pull-failed"}},
        {"Job failed: " + pull,
         "\" for container build: image pull failed: x",
         {"k8s-image-pull-failed", "job-failed"}},
        {"Event retrieved from the cluster: Failed to pull image \"",
         "\": x",
         {"k8s-image-pull-failed", "k8s-pod-event"}},
        {"Job failed: couldn't prepare overwrites: provided value \"",
         "\" does not match \"^a$\"",
         {"k8s-overwrite-refused"}},
        {"Job failed: invalid pull policy for container \"", "\": x", {"k8s-image-not-allowed"}},
        {"Job failed: failed to pull image \"",
         "\" with specified policies [always]: x",
         {"docker-image-pull-failed", "docker-engine-error", "job-failed"}},
        {"Failed to pull image \"", "\" (attempt #1), retrying: x", {"docker-image-pull-retried"}},
        {"Job failed: user \"",
         "\" is not an allowed user: [nobody]",
         {"docker-image-not-allowed", "job-failed"}},
    };
    for (const auto& [before, after, rules] : places) {
        for (const std::string& message : messages) {
            SCOPED_TRACE(before + message + after);
            const auto match = built_in_matcher().match(record_of(before + message + after, ""));
            for (const Detection& detection : match.detections)
                EXPECT_THAT(rules, Contains(detection.rule->id));
            EXPECT_THAT(match.recoveries, IsEmpty());
        }
    }
}

TEST(Forgery, AValueInAFieldOfARunnerIsNoOtherFailure) {
    for (const std::string& message : messages_of_samples()) {
        const std::string error =
            "couldn't prepare overwrites: provided value \"" + message + "\" does not match \"a\"";
        SCOPED_TRACE(error);
        const auto match = built_in_matcher().match(record_of("Failed to process runner", error));
        for (const Detection& detection : match.detections)
            EXPECT_EQ(detection.rule->id, "process-runner-failed");
        EXPECT_THAT(match.recoveries, IsEmpty());
    }
}

}  // namespace
}  // namespace runnerwatch
