#include "parsers/rule_loader.h"

#include <gmock/gmock.h>

namespace runnerwatch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

// A rule that is taken as it is. Line 5 detects, lines 9 to 12 are the samples.
const std::string good = R"(id: polls-refused
title: Polls are refused
impact: No job starts.
{severity: error, response: page}
detect: [{message: 'Poll refused'}]
recover: [{evidence: {message: 'Poll answered'}}]
{fixes: []}
{causes: []}
samples:
  detect: ['{"level":"error","msg":"Poll refused"}']
  ignore: ['{"level":"error","msg":"Job failed: Poll refused"}']
  recover: ['{"level":"info","msg":"Poll answered"}']
)";

// `good` with the placeholder lines filled in, and `from` replaced by `to`.
std::string text(const std::string& from = "", const std::string& to = "") {
    std::string rule = good;
    const auto replace = [&](const std::string& what, const std::string& with) {
        const std::size_t at = rule.find(what);
        if (at == std::string::npos) throw std::logic_error("not in the rule: " + what);
        rule.replace(at, what.size(), with);
    };
    if (!from.empty()) replace(from, to);
    for (const auto& [what, with] : std::vector<std::pair<std::string, std::string>>{
             {"{severity: error, response: page}", "response: page"},
             {"{fixes: []}", "severity: error"},
             {"{causes: []}", "# nothing"}})
        if (rule.find(what) != std::string::npos) replace(what, with);
    return rule;
}

std::vector<std::string> errors(const std::vector<RuleFile>& files) {
    std::vector<std::string> lines;
    const auto pack = load_pack("test", files);
    if (!pack)
        for (const RuleError& error : pack.error()) lines.push_back(error.to_string());
    return lines;
}

std::vector<std::string> errors(const std::string& rule) {
    return errors(std::vector<RuleFile>{{"r.yaml", rule}});
}

TEST(RuleLoader, TakesARule) {
    const auto rule = load_rule({"r.yaml", text()});
    ASSERT_TRUE(rule) << rule.error().front().to_string();
    EXPECT_EQ(rule->id, "polls-refused");
    EXPECT_EQ(rule->severity, Severity::error);
    EXPECT_EQ(rule->response, Response::page);
    EXPECT_EQ(rule->open.count, 1);
    EXPECT_EQ(rule->silence, std::nullopt);
    EXPECT_EQ(rule->sample_detect.at(0).line, 10);
    EXPECT_THAT(errors(text()), IsEmpty());
}

TEST(RuleLoader, ReadsEveryKey) {
    const auto rule = load_rule({"r.yaml", R"y(
id: every-key
catalog: K-1
title: t
impact: i
fact: {label: Next, value: "{{x}}"}
severity: warning
raise: {to: critical, when: all_members}
response: advice
scope: cluster
status: experimental
runner_versions: ">=9"
precedence: -3
detect:
  - {message: m, anywhere: true, reason: r, capture: {b: '(?P<x>1)', a: '2'}, require: {c: '3'},
     without: {d: '4'}, levels: [debug, panic], versions: ">=18.3",
     absent: {message: p, within: 60s, or_end: true}}
identity: [host(url), runner, mask(error)]
open: {count: 3, within: 5m, across: members, distinct: job, with_probe: port}
recover:
  - evidence: {message: e, same: [runner_name]}
  - {after: {message: f}, without: self, for: 90s}
silence: 30m
symptoms: [other]
wordings: [{name: n, when: {field: f, matches: '4'}, says: w}]
causes:
  - {id: c, catalog: K-2, confidence: likely, versions: ">=18.10",
     when: [{field: f, matches: '5'}, {field: f, not_matches: '6'}], says: s,
     disproved_by: d, fix: x}
fixes:
  - {id: x, title: t, steps: [{says: s, command: c, versions: "<18", source: q}],
     not_a_fix: [n], verify: v}
runbook: {meaning: a, diagnosis: b, mitigation: c}
docs: [https://example.com/]
samples:
  detect: [{format: text, text: "a\e␛b", captures: {x: '1'}, cause: c}]
  ignore: [{text: z, by: other}]
  recover: [e]
  stories:
    - {name: n, lines: [{at: 0s, text: a}, {at: 1m30s, text: b}],
       expect: {open: true, resolved: false, count: 2}}
)y"});
    ASSERT_TRUE(rule) << rule.error().front().to_string();
    EXPECT_EQ(rule->catalog, "K-1");
    EXPECT_EQ(rule->fact_label + rule->fact_value, "Next{{x}}");
    EXPECT_EQ(rule->raise_to, Severity::critical);
    EXPECT_EQ(rule->response, Response::advice);
    EXPECT_EQ(rule->scope, Scope::cluster);
    EXPECT_EQ(rule->status, RuleStatus::experimental);
    EXPECT_EQ(rule->precedence, -3);
    ASSERT_EQ(rule->detect.size(), 1u);
    EXPECT_TRUE(rule->detect[0].anywhere);
    ASSERT_EQ(rule->detect[0].capture.size(), 2u);
    EXPECT_EQ(rule->detect[0].capture[0].field, "b") << "in the file's order";
    EXPECT_EQ(rule->detect[0].require.at(0).pattern, "3");
    EXPECT_THAT(rule->identity, ElementsAre("host(url)", "runner", "mask(error)"));
    EXPECT_EQ(rule->detect[0].without.at(0).pattern, "4");
    EXPECT_THAT(rule->detect[0].levels, ElementsAre(Level::debug, Level::panic));
    EXPECT_EQ(rule->detect[0].versions, ">=18.3");
    ASSERT_TRUE(rule->detect[0].absent);
    EXPECT_EQ(rule->detect[0].absent->message, "p");
    EXPECT_EQ(rule->detect[0].absent->within, std::chrono::minutes(1));
    EXPECT_TRUE(rule->detect[0].absent->or_end);
    EXPECT_EQ(rule->open.distinct, "job");
    EXPECT_EQ(rule->open.probe, "port");
    EXPECT_EQ(rule->open.count, 3);
    EXPECT_EQ(rule->open.within, std::chrono::minutes(5));
    EXPECT_TRUE(rule->open.across_members);
    ASSERT_EQ(rule->recover.size(), 2u);
    EXPECT_EQ(rule->recover[0].kind, Recovery::Kind::evidence);
    EXPECT_THAT(rule->recover[0].same, ElementsAre("runner_name"));
    EXPECT_EQ(rule->recover[1].kind, Recovery::Kind::after);
    EXPECT_EQ(rule->recover[1].hold, std::chrono::seconds(90));
    EXPECT_EQ(rule->silence, std::chrono::minutes(30));
    EXPECT_THAT(rule->symptoms, ElementsAre("other"));
    EXPECT_EQ(rule->wordings.at(0).when.field, "f");
    EXPECT_EQ(rule->causes.at(0).confidence, Confidence::likely);
    EXPECT_EQ(rule->causes.at(0).when.at(0).pattern, "5");
    EXPECT_TRUE(rule->causes.at(0).when.at(1).negated);
    EXPECT_EQ(rule->causes.at(0).versions, ">=18.10");
    EXPECT_EQ(rule->runbook.meaning + rule->runbook.diagnosis + rule->runbook.mitigation, "abc");
    ASSERT_NE(rule->fix("x"), nullptr);
    EXPECT_EQ(rule->fix("x")->steps.at(0).source, "q");
    EXPECT_THAT(rule->fix("x")->not_a_fix, ElementsAre("n"));
    EXPECT_EQ(rule->fix("y"), nullptr);
    EXPECT_EQ(rule->sample_detect.at(0).text,
              "a\x1b\x1b"
              "b")
        << "both ways to write an escape";
    EXPECT_THAT(rule->sample_detect.at(0).captures, ElementsAre(Pair("x", "1")));
    EXPECT_EQ(rule->sample_ignore.at(0).by, "other");
    const Story& story = rule->stories.at(0);
    EXPECT_EQ(story.name, "n");
    EXPECT_EQ(story.lines.at(1).at, std::chrono::seconds(90));
    EXPECT_EQ(story.open, true);
    EXPECT_EQ(story.resolved, false);
    EXPECT_EQ(story.count, 2);
}

TEST(RuleLoader, ReadsANotice) {
    const auto notice = load_rule({"r.yaml", R"y(
id: polls-answered
notice: true
title: Polls are answered
meaning: All is well.
catalog: K-3
precedence: 2
detect: [{message: 'Poll answered'}]
samples: {detect: ['Poll answered'], ignore: ['Poll refused']}
)y"});
    ASSERT_TRUE(notice) << notice.error().front().to_string();
    EXPECT_TRUE(notice->notice);
    EXPECT_EQ(notice->runbook.meaning, "All is well.");
    EXPECT_EQ(notice->precedence, 2);
    EXPECT_EQ(notice->response, Response::advice);

    EXPECT_THAT(errors("id: a\nnotice: true\ntitle: t\nseverity: error\ndetect: [{message: a}]\n"
                       "samples: {detect: [a]}\n"),
                testing::Contains(HasSubstr("r.yaml:4: the notice: unknown key 'severity'")));
}

TEST(RuleLoader, ReadsASequence) {
    const auto rule =
        load_rule({"r.yaml", text("{causes: []}",
                                  "open: {sequence: [{message: a}, {message: b}], within: 5m}")});
    ASSERT_TRUE(rule) << rule.error().front().to_string();
    EXPECT_THAT(rule->open.sequence, ElementsAre("a", "b"));
}

TEST(RuleLoader, NamesFileLineAndReasonOfWhatIsWrong) {
    const std::string s = "{fixes: []}", c = "{causes: []}", d = "[{message: 'Poll refused'}]";
    const std::string r = "[{evidence: {message: 'Poll answered'}}]";
    const struct {
        std::string from, to, starts, mentions;
    } cases[] = {
        {s, "severety: error", "r.yaml:7: ", "unknown key 'severety'; did you mean 'severity'?"},
        {s, "severity: fatal", "r.yaml:7: ", "'fatal' is no severity; known are: info, warning"},
        {s, "severity: eror", "r.yaml:7: ", "did you mean 'error'?"},
        {s, "severity: [error]", "r.yaml:7: ", "must be a text, but is a list"},
        {s, "# none", "r.yaml:1: ", "'severity' is missing"},
        {c, "raise: {to: error, when: all_members}", "r.yaml:8: ", "above the rule's severity"},
        {c, "raise: {to: critical, when: often}", "r.yaml:8: ", "can only be 'all_members'"},
        {c, "precedence: -1.5", "r.yaml:8: ", "a whole number, but is '-1.5'"},
        {c, "precedence: 1x", "r.yaml:8: ", "but is '1x'"},
        {c, "precedence: 99999999999", "r.yaml:8: ", "whole number"},
        {c, "silence: 5", "r.yaml:8: ", "must be a duration like 90s, 5m or 1h30m, but is '5'"},
        {c, "title: again", "r.yaml:8: ", "'title' is given twice"},
        {c, "identity: runner", "r.yaml:8: ", "must be a list, but is a text"},
        {c, "identity: [hots(url)]", "r.yaml:8: ", "'hots(url)' must be the name"},
        {c, "symptoms: [{a: b}]", "r.yaml:8: ", "symptoms[0] must be a text, but is a mapping"},
        {c, "scope: pod", "r.yaml:8: ", "'pod' is no scope; known are: workload, host, cluster"},
        {c, "fact: {label: x}", "r.yaml:8: ", "fact: 'value' is missing"},
        {c, "open: {count: 3}", "r.yaml:8: ", "needs 'within'"},
        {c, "open: {count: 0}", "r.yaml:8: ", "at least 1"},
        {c, "open: {across: pods}", "r.yaml:8: ", "can only be 'members'"},
        {c, "open: {count: 101, within: 5m}", "r.yaml:8: ", "at most 100"},
        {c, "open: {distinct: job}", "r.yaml:8: ", "'distinct' needs a 'count'"},
        {c, "open: {sequence: [{message: a}]}", "r.yaml:8: ", "a 'sequence' needs 'within'"},
        {c, "open: {sequence: [{message: '('}], within: 5m}",
         "r.yaml:8: ", "open.sequence[0]: 'message' is no regular expression"},
        {c, "open: {sequence: [{message: a}], within: 5m, count: 2}", "r.yaml:8: ", "counted once"},
        {c, "runbook: {meanings: a}", "r.yaml:8: ", "did you mean 'meaning'?"},
        {c, "runner_versions: '18'", "r.yaml:8: ", "a range of runner versions like"},
        {c, "meaning: x", "r.yaml:8: ", "unknown key 'meaning'"},
        {c, "causes: [{id: a, says: b, versions: new}]",
         "r.yaml:8: ", "causes[0]: 'versions' must"},
        {c, "causes: [{id: a, says: b, when: []}]", "r.yaml:8: ", "the list is empty"},
        {c, "causes: [{id: a, says: b, when: [{field: f}]}]",
         "r.yaml:8: ", "causes[0].when[0]: 'matches' is missing"},
        {c, "causes: [{id: a, says: b, when: {field: f, matches: a, not_matches: b}}]",
         "r.yaml:8: ", "either 'matches' or 'not_matches'"},
        {c, "causes: [{id: a, says: b, fix: c}]", "r.yaml:8: ", "there is no fix 'c'"},
        {c, "causes: [{id: a, says: b, when: {field: f, matches: '['}}]",
         "r.yaml:8: ", "causes[0].when: 'matches' is no regular expression (RE2): missing ]"},
        {c, "causes: [text]", "r.yaml:8: ", "causes[0] must be a mapping (key: value)"},
        {c, "wordings: [{name: a, says: b}]", "r.yaml:8: ", "wordings[0]: 'when' is missing"},
        {c, "fixes: [{id: a, title: b, steps: [{command: c}]}]",
         "r.yaml:8: ", "fixes[0].steps[0]: 'says' is missing"},
        {c, "symptoms: [other-rule]", "r.yaml: ", "there is no rule 'other-rule'"},
        {d, "[{message: 'Poll (refused'}]",
         "r.yaml:5: ", "detect[0]: 'message' is no regular expression (RE2): missing )"},
        {d, "[{message: 'Poll refused', anywhere: true}]", "r.yaml:5: ", "needs a 'reason'"},
        {d, "[{message: 'Poll refused', anywhere: yes}]", "r.yaml:5: ", "must be true or false"},
        {d, "[{message: 'Poll refused', capture: {a: '*'}}]", "r.yaml:5: ", "the pattern of 'a'"},
        {d, "[{message: 'Poll refused', levels: [eror]}]",
         "r.yaml:5: ", "'eror' is no level; did you mean 'error'?"},
        {d, "[{message: 'Poll refused', levels: []}]", "r.yaml:5: ", "names no level"},
        {d, "[{message: 'Poll refused', without: {a: '['}}]", "r.yaml:5: ", "the pattern of 'a'"},
        {d, "[{message: 'Poll refused', absent: {message: a}}]",
         "r.yaml:5: ", "detect[0].absent: 'within' is missing"},
        {d, "[{require: {a: b}}]", "r.yaml:5: ", "detect[0]: 'message' is missing"},
        {d, "[]", "r.yaml:5: ", "'detect' is missing"},
        {r, "[{evidence: {message: a}, after: {message: a}}]", "r.yaml:6: ", "either 'evidence'"},
        {r, "[{for: 5s}]", "r.yaml:6: ", "either 'evidence'"},
        {r, "[{after: {message: 'Poll answered'}, without: self}]",
         "r.yaml:6: ", "'for' is missing"},
        {r, "[{after: {message: 'Poll answered'}, without: it, for: 5s}]",
         "r.yaml:6: ", "'without' can only be 'self'"},
        {r, "[{evidence: {message: 'Poll answered'}, for: 5s}]", "r.yaml:6: ", "unknown key 'for'"},
        {"polls-refused", "Polls_Refused", "r.yaml:1: ", "lower-case words joined by '-'"},
        {"id: polls-refused", "id: ''", "r.yaml:1: ", "'id' is empty"},
        {"impact: No job starts.", "impact: a: b", "r.yaml:3: ", "not YAML: "},
        {"samples:", "sample:", "r.yaml:9: ", "did you mean 'samples'?"},
        {"  recover: [", "  # [", "r.yaml:10: ", "'recover' is missing"},
        {"  ignore: [", "  stories: [{name: a, expect: {open: true}}]\n  ignore: [",
         "r.yaml:11: ", "samples.stories[0]: 'lines' is missing"},
        {"  ignore: [", "  stories: [{name: a, lines: [{at: 0s, text: b}]}]\n  ignore: [",
         "r.yaml:11: ", "samples.stories[0]: 'expect' is missing"},
        {"  ignore: [",
         "  stories: [{name: a, expect: {count: 1}, lines: [{at: 1s, text: b}, {at: 0s, text: b}]}]"
         "\n  ignore: [",
         "r.yaml:11: ", "samples.stories[0].lines[1]: 'at' goes back in time"},
        {"  ignore: [",
         "  stories: [{name: a, expect: {count: 1}, lines: [{text: b}]}]\n  ignore: [",
         "r.yaml:11: ", "'at' is missing"},
    };
    for (const auto& [from, to, starts, mentions] : cases) {
        SCOPED_TRACE(to);
        const auto lines = errors(text(from, to));
        ASSERT_THAT(lines, testing::Not(IsEmpty()));
        EXPECT_THAT(lines, testing::Contains(
                               testing::AllOf(testing::StartsWith(starts), HasSubstr(mentions))));
    }
}

TEST(RuleLoader, RefusesWhatIsNoRuleAtAll) {
    const struct {
        const char *text, *error;
    } cases[] = {{"", "r.yaml:1: the file is empty"},
                 {"just words", "r.yaml:1: the rule must be a mapping (key: value), but is a text"},
                 {"a: 1\n---\nb: 2\n", "r.yaml:1: the file has several documents ('---')"},
                 {"? [a]\n: 1\n", "r.yaml:1: the rule: a key must be a text"}};
    for (const auto& [text, error] : cases)
        EXPECT_THAT(errors(text), testing::Contains(error)) << text;
}

// yaml-cpp makes documents of the second one until there is no memory left.
TEST(RuleLoader, RefusesWhatIsNoText) {
    using namespace std::string_literals;
    EXPECT_THAT(
        errors("id: a\nb\0c\n"s),
        testing::Contains(testing::StartsWith("r.yaml:2: not YAML: a control character (byte 0)")));
    EXPECT_THAT(errors("id: a\ns\0\0tatus: stable\n  title: t\nx: {a: [b}}\n"s),
                testing::Contains(HasSubstr("a control character")));
}

TEST(RulePackLoader, RefusesARuleWhoseSampleFails) {
    const std::string detect = "'{\"level\":\"error\",\"msg\":\"Poll refused\"}'";
    const std::string capture = "[{message: 'Poll refused'}]";
    const struct {
        std::string from, to, error;
    } cases[] = {
        {detect, "'{\"level\":\"error\",\"msg\":\"A Poll refused\"}'",
         "r.yaml:10: the sample is not detected: it is read as a 'json' record with the message "
         "'A Poll refused', which 'message' must match from its start"},
        {detect, "''", "r.yaml:10: the sample holds no record"},
        {detect, "{format: text, text: " + detect + "}",
         "r.yaml:10: the sample says format 'text', but is read as 'json'"},
        {detect, "{format: xml, text: " + detect + "}",
         "r.yaml:10: samples.detect[0]: 'xml' is no "
         "format; known are: runner, text, json"},
        {detect, "{text: " + detect + ", captures: {runner: x}}",
         "r.yaml:10: the sample expects 'runner', which is not captured"},
        {detect, "{text: " + detect + ", captures: {level: x}}",
         "r.yaml:10: the sample expects 'level', which is not captured"},
        {detect, "{text: " + detect + ", cause: x}",
         "r.yaml:10: the sample expects the cause 'x', but the first is 'none'"},
        {"Job failed: Poll refused", "Poll refused",
         "r.yaml:11: the sample must be ignored, but is detected"},
        {"Poll answered\"}'", "Poll denied\"}'",
         "r.yaml:12: the sample is no recovery: it is read as a 'json' record with the message "
         "'Poll denied', which 'message' must match from its start"},
        {"{\"level\":\"info\",\"msg\":\"Poll answered\"}",
         "{\"level\":\"info\",\"msg\":\"Poll refused\"}",
         "r.yaml:12: the sample must be recovery, but is detected"}};
    for (const auto& [from, to, error] : cases) {
        SCOPED_TRACE(to);
        EXPECT_THAT(errors(text(from, to)), testing::Contains(error));
    }
    EXPECT_THAT(errors(text(capture, "[{message: 'Poll (?P<what>re\\w+)'}]")), IsEmpty());
    const std::string captured = text(detect, "{text: " + detect + ", captures: {what: denied}}");
    std::string other = captured;
    other.replace(other.find("Poll refused"), 12, "Poll (?P<what>re\\w+)");
    EXPECT_THAT(errors(other),
                testing::Contains(HasSubstr("'what' to be 'denied', but it is 'refused'")));
}

TEST(RulePackLoader, RefusesATieAndASampleThatAnotherRuleTakes) {
    std::string other = text("polls-refused", "any-poll");
    EXPECT_THAT(errors({{"a.yaml", text()}, {"b.yaml", other}}),
                testing::Contains("a.yaml:10: the rules 'any-poll' and 'polls-refused' both match "
                                  "and tie; give one of them a higher 'precedence'"));

    other += "precedence: 1\n";
    EXPECT_THAT(errors({{"a.yaml", text()}, {"b.yaml", other}}),
                ElementsAre("a.yaml:10: the sample is taken by the rule 'any-poll' instead; its "
                            "'precedence' is higher"));
}

TEST(RulePackLoader, ChecksWhichRuleOrNoticeTakesWhatIsIgnored) {
    const std::string notice = R"y(id: job-failed
notice: true
title: A job failed
detect: [{message: 'Job failed'}]
samples: {detect: ['{"level":"error","msg":"Job failed"}']}
)y";
    const std::string ignored = "'{\"level\":\"error\",\"msg\":\"Job failed: Poll refused\"}'";
    const auto with = [&](const std::string& by, const std::string& more = "") {
        return errors({{"r.yaml", text(ignored, "{by: " + by + ", text: " + ignored + "}")},
                       {"n.yaml", notice + more}});
    };
    EXPECT_THAT(with("job-failed"), IsEmpty());
    EXPECT_THAT(with("polls-refused"),
                ElementsAre("r.yaml:11: the sample must be taken by 'polls-refused', but "
                            "'job-failed' takes it"));
    EXPECT_THAT(with("job-faild"), ElementsAre("r.yaml:11: by: there is no rule 'job-faild'; did "
                                               "you mean 'job-failed'?"));
    EXPECT_THAT(errors(text(ignored, "{by: polls-refused, text: " + ignored + "}")),
                ElementsAre(HasSubstr("must be taken by 'polls-refused', but nothing takes it")));
}

TEST(RulePackLoader, LetsALaterLayerSwitchOffOrTakeOverWhatASampleNames) {
    const std::string ignored = "'{\"level\":\"error\",\"msg\":\"Job failed: Poll refused\"}'";
    const auto failed = [](const std::string& id, const std::string& more) {
        return "id: " + id + "\nnotice: true\ntitle: A job failed\n" + more +
               "detect: [{message: 'Job failed'}]\n"
               "samples: {detect: ['{\"level\":\"error\",\"msg\":\"Job failed\"}']}\n";
    };
    const auto with = [&](const RuleFile& own) {
        return errors({{"r.yaml", text(ignored, "{by: job-failed, text: " + ignored + "}")},
                       {"n.yaml", failed("job-failed", "")},
                       own});
    };
    EXPECT_THAT(with({"off.yaml", "id: job-failed\ndisabled: true\n", 1}), IsEmpty());
    EXPECT_THAT(with({"own.yaml", failed("own-words", "precedence: 1\n"), 1}), IsEmpty());
    EXPECT_THAT(with({"own.yaml", failed("own-words", "precedence: 1\n"), 0}),
                testing::Contains(HasSubstr("but 'own-words' takes it")));
}

TEST(RulePackLoader, LetsALaterLayerGiveARuleWhatItsSampleLeavesToAnother) {
    const auto notice = [](const std::string& message) {
        return "id: at-night\nnotice: true\nprecedence: 1\ntitle: At night\ndetect: [{message: '" +
               message + "'}]\nsamples: {detect: ['{\"level\":\"error\",\"msg\":\"" + message +
               "\"}']}\n";
    };
    const RuleFile rule{"r.yaml",
                        text("'{\"level\":\"error\",\"msg\":\"Job failed: Poll refused\"}'",
                             "{by: at-night, text: "
                             "'{\"level\":\"error\",\"msg\":\"Poll refused at night\"}'}")};
    const RuleFile taking{"n.yaml", notice("Poll refused at night")};
    EXPECT_THAT(errors({rule, taking}), IsEmpty());
    EXPECT_THAT(errors({rule, taking, {"own.yaml", "id: at-night\ndisabled: true\n", 1}}),
                IsEmpty());
    EXPECT_THAT(errors({rule, taking, {"own.yaml", notice("Nights"), 1}}), IsEmpty());
    EXPECT_THAT(errors({rule, {"n.yaml", notice("Nights")}}),
                ElementsAre("r.yaml:11: the sample must be ignored, but is detected",
                            HasSubstr("must be taken by 'at-night', but nothing takes it")));
}

TEST(RulePackLoader, SaysWhenANoticeTakesASample) {
    const std::string notice = R"y(id: poll-notice
notice: true
precedence: 1
title: Polls
detect: [{message: 'Poll refused'}]
samples: {detect: ['{"level":"error","msg":"Poll refused"}']}
)y";
    EXPECT_THAT(errors({{"r.yaml", text()}, {"n.yaml", notice}}),
                ElementsAre("r.yaml:10: the sample is taken by the notice 'poll-notice' instead; "
                            "its 'precedence' is higher"));
    EXPECT_THAT(
        errors({{"r.yaml", text("{causes: []}", "symptoms: [poll-notice]")}, {"n.yaml", notice}}),
        testing::Contains(HasSubstr("'poll-notice' is a notice, which raises nothing")));
}

TEST(RulePackLoader, LetsALaterFileReplaceARuleById) {
    const std::string own = text("Polls are refused", "Ours");
    const auto pack = load_pack("test", {{"built-in.yaml", text()}, {"own.yaml", own}});
    ASSERT_TRUE(pack) << pack.error().front().to_string();
    ASSERT_EQ(pack->rules.size(), 1u);
    EXPECT_EQ(pack->rules[0].title, "Ours");
    EXPECT_EQ(pack->rules[0].file, "own.yaml");
}

TEST(RulePackLoader, ReportsTheErrorsOfAllFiles) {
    const auto lines =
        errors({{"a.yaml", text("impact: No job starts.", "impact: ''\nstatus: done")},
                {"b.yaml", text("Job failed: Poll refused", "Poll refused")}});
    EXPECT_THAT(lines, ElementsAre("a.yaml:3: the rule: 'impact' is empty",
                                   HasSubstr("a.yaml:4: the rule: 'done' is no status"),
                                   "b.yaml:11: the sample must be ignored, but is detected"));
}

TEST(RulePackLoader, HasAVersionThatChangesWithTheFiles) {
    const auto version = [](const std::string& rule) {
        return load_pack("test", {{"r.yaml", rule}})->version;
    };
    EXPECT_EQ(version(text()), version(text()));
    EXPECT_NE(version(text()), version(text() + "# a word\n"));
}

}  // namespace
}  // namespace runnerwatch
