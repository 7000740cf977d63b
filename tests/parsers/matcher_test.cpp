#include "parsers/matcher.h"

#include "parsers/identity.h"

#include <gmock/gmock.h>

#include <stdexcept>

namespace runnerwatch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

Rule rule(const std::string& id, const std::string& message) {
    Rule rule;
    rule.id = id;
    rule.catalog = "K-" + id;
    rule.detect.push_back({message});
    return rule;
}

Record record(const std::string& message, std::vector<Field> fields = {}) {
    Record record;
    record.message = message;
    record.fields = std::move(fields);
    return record;
}

std::vector<std::string> detected(const Matcher& matcher, const Record& record) {
    std::vector<std::string> ids;
    for (const Detection& detection : matcher.match(record).detections)
        ids.push_back(detection.rule->id);
    return ids;
}

Detection only_detection(const Matcher& matcher, const Record& record) {
    const Match match = matcher.match(record);
    EXPECT_EQ(match.detections.size(), 1u);
    return match.detections.empty() ? Detection{} : match.detections.front();
}

TEST(Matcher, AnchorsAMessageAtItsStartUnlessAnywhere) {
    Rule anchored = rule("anchored", "refused");
    Rule anywhere = rule("anywhere", "dropped");
    anywhere.detect[0].anywhere = true;
    const Matcher matcher({"p", "1", {anchored, anywhere}});
    EXPECT_THAT(detected(matcher, record("refused by GitLab")), ElementsAre("anchored"));
    EXPECT_THAT(detected(matcher, record("Job failed: refused")), IsEmpty());
    EXPECT_THAT(detected(matcher, record("Job failed: dropped")), ElementsAre("anywhere"));
}

TEST(Matcher, TakesTheFirstWayOfDetectionThatSucceeds) {
    Rule two = rule("two", "poll (?P<first>.*)");
    two.detect[0].require = {{"status", "403"}};
    two.detect.push_back({"poll (?P<second>.*)"});
    const Matcher matcher({"p", "1", {two}});
    EXPECT_THAT(only_detection(matcher, record("poll a", {{"status", "403"}})).captures,
                ElementsAre(Pair("first", "a")));
    EXPECT_THAT(only_detection(matcher, record("poll a")).captures,
                ElementsAre(Pair("second", "a")));
}

TEST(Matcher, CapturesOptionallyAndOverlaysTheFields) {
    Rule forbidden = rule("forbidden", "poll(?: (?P<what>\\w+))? refused");
    forbidden.detect[0].capture = {{"status", "(?P<method>[A-Z]+) (?P<url>\\S+)"},
                                   {"url", "//(?P<runner>[^/]+)"},
                                   {"absent", "(?P<never>.*)"}};
    const Matcher matcher({"p", "1", {forbidden}});

    const Detection full = only_detection(
        matcher, record("poll refused", {{"status", "POST https://a/b"}, {"runner", "glpat-x"}}));
    EXPECT_THAT(full.captures,
                UnorderedElementsAre(Pair("method", "POST"), Pair("url", "https://a/b"),
                                     Pair("runner", "a")));
    EXPECT_EQ(full.values.at("runner"), "a") << "a capture wins over a field of its name";
    EXPECT_EQ(full.values.at("status"), "POST https://a/b");

    const Detection bare = only_detection(matcher, record("poll job refused"));
    EXPECT_THAT(bare.captures, UnorderedElementsAre(Pair("what", "job")));
}

TEST(Matcher, RequiresWhatTheRuleRequires) {
    Rule required = rule("required", "failed (?P<code>\\d+)");
    required.detect[0].require = {{"status", "^5"}, {"code", "^1$"}, {"message", "failed"}};
    const Matcher matcher({"p", "1", {required}});
    EXPECT_THAT(detected(matcher, record("failed 1", {{"status", "502"}})),
                ElementsAre("required"));
    EXPECT_THAT(detected(matcher, record("failed 1", {{"status", "404"}})), IsEmpty());
    EXPECT_THAT(detected(matcher, record("failed 2", {{"status", "502"}})), IsEmpty());
    EXPECT_THAT(detected(matcher, record("failed 1")), IsEmpty())
        << "a missing field fulfils nothing";
}

TEST(Matcher, RefusesWhatARuleMustNotHave) {
    Rule unlike = rule("unlike", "failed");
    unlike.detect[0].without = {{"status", "^5"}, {"message", "job"}};
    const Matcher matcher({"p", "1", {unlike}});
    EXPECT_THAT(detected(matcher, record("failed", {{"status", "404"}})), ElementsAre("unlike"));
    EXPECT_THAT(detected(matcher, record("failed")), ElementsAre("unlike"))
        << "a missing field matches nothing";
    EXPECT_THAT(detected(matcher, record("failed", {{"status", "502"}})), IsEmpty());
    EXPECT_THAT(detected(matcher, record("failed job", {{"status", "404"}})), IsEmpty());
}

TEST(Matcher, TakesOnlyTheLevelsOfARule) {
    Rule loud = rule("loud", "failed");
    loud.detect[0].levels = {Level::error, Level::fatal};
    const Matcher matcher({"p", "1", {loud}});
    Record failed = record("failed");
    EXPECT_THAT(detected(matcher, failed), IsEmpty());
    failed.level = Level::fatal;
    EXPECT_THAT(detected(matcher, failed), ElementsAre("loud"));
    failed.level = Level::warning;
    EXPECT_THAT(detected(matcher, failed), IsEmpty());
}

TEST(Matcher, LetsANoticeTakeARecordByPrecedence) {
    Rule failure = rule("failure", "poll refused");
    failure.recover.push_back({Recovery::Kind::evidence, "poll", {}, Duration(0)});
    Rule known = rule("known", "poll refused once");
    known.notice = true;
    known.precedence = 1;
    const Matcher matcher({"p", "1", {failure, known}});

    const Match taken = matcher.match(record("poll refused once"));
    ASSERT_NE(taken.notice, nullptr);
    EXPECT_EQ(taken.notice->id, "known");
    EXPECT_THAT(taken.detections, IsEmpty());
    EXPECT_EQ(taken.recoveries.size(), 1u) << "what a line proves does not depend on who takes it";

    EXPECT_EQ(matcher.match(record("poll refused")).notice, nullptr);
    EXPECT_THAT(detected(matcher, record("poll refused")), ElementsAre("failure"));

    failure.precedence = 2;
    const Matcher other({"p", "1", {failure, known}});
    EXPECT_EQ(other.match(record("poll refused once")).notice, nullptr);
    EXPECT_THAT(only_detection(other, record("poll refused once")).also, IsEmpty())
        << "a notice is no kind of failure";
}

// A notice raises nothing, so no absence of a line can, either.
TEST(Matcher, LetsANoticeWaitForNoLine) {
    Rule known = rule("known", "poll begins");
    known.notice = true;
    known.detect[0].absent = Absence{"poll ended", Duration(1)};
    const Matcher matcher({"p", "1", {known, rule("failure", "poll ended badly")}});
    const Record ended = record("poll ended badly");
    EXPECT_THAT(matcher.match(ended).follow_ups, IsEmpty());
    EXPECT_EQ(matcher.judge_message(ended).detection.size(), 1u) << "the failure's own";
}

TEST(Matcher, MasksInAnIdentityWhatDiffersBetweenRecords) {
    Rule masks = rule("masks", "failed: (?P<error>.*)");
    masks.identity = {"mask(error)"};
    const Matcher matcher({"p", "1", {masks}});
    const Detection detection =
        only_detection(matcher, record("failed: dial tcp 10.0.0.1:443: i/o timeout after 30s"));
    EXPECT_THAT(detection.identity,
                ElementsAre(Pair("error", "dial tcp ‹address›: i/o timeout after ‹n›")));
    EXPECT_EQ(detection.values.at("error"), "dial tcp 10.0.0.1:443: i/o timeout after 30s")
        << "templates show the text itself";
}

TEST(Matcher, HoldsACauseWhenAllItsConditionsDo) {
    Rule caused = rule("caused", "failed");
    caused.causes.resize(1);
    caused.causes[0].when = {{"status", "^5"}, {"body", "html", true}};
    const Matcher matcher({"p", "1", {caused}});
    const auto causes = [&](std::vector<Field> fields) {
        return only_detection(matcher, record("failed", std::move(fields))).causes.size();
    };
    EXPECT_EQ(causes({{"status", "502"}}), 1u) << "a missing field does not match";
    EXPECT_EQ(causes({{"status", "502"}, {"body", "json"}}), 1u);
    EXPECT_EQ(causes({{"status", "502"}, {"body", "html"}}), 0u);
    EXPECT_EQ(causes({{"status", "404"}}), 0u);
}

TEST(Matcher, MakesTheIdentityOfWhatIsThere) {
    Rule identified = rule("identified", "refused");
    identified.identity = {"host(url)", "runner", "absent"};
    const Matcher matcher({"p", "1", {identified}});
    const Detection detection = only_detection(
        matcher, record("refused", {{"runner", "abc"}, {"url", "https://GitLab.example.com/x"}}));
    EXPECT_THAT(detection.identity,
                ElementsAre(Pair("host", "gitlab.example.com"), Pair("runner", "abc")));
    EXPECT_EQ(detection.values.at("host"), "gitlab.example.com");
    EXPECT_THAT(only_detection(matcher, record("refused", {{"url", "no url"}})).identity,
                IsEmpty());
}

TEST(Matcher, LetsThePreciseRuleWinAndNamesTheOthers) {
    Rule general = rule("general", "Job failed");
    Rule precise = rule("precise", "Job failed: OOM");
    precise.precedence = 1;
    Rule same_kind = rule("same-kind", "Job failed: O");
    same_kind.catalog = "K-general";
    const Matcher matcher({"p", "1", {general, precise, same_kind}});
    const Detection detection = only_detection(matcher, record("Job failed: OOM"));
    EXPECT_EQ(detection.rule->id, "precise");
    EXPECT_THAT(detection.also, ElementsAre("K-general")) << "each kind once";

    std::vector<std::string> all;
    for (const Rule* rule : matcher.rules_that_match(record("Job failed: OOM")))
        all.push_back(rule->id);
    EXPECT_THAT(all, ElementsAre("precise", "general", "same-kind")) << "then by id";
}

TEST(Matcher, OrdersHeldCausesByConfidenceAndNamesTheirKinds) {
    Rule caused = rule("caused", "refused");
    caused.wordings = {{"kind", {"runner", "^glpat-"}, "access token {{runner}}"},
                       {"kind", {"runner", "."}, "something else"}};
    const auto cause = [](std::string id, std::string catalog, Confidence confidence) {
        Cause made;
        made.id = std::move(id);
        made.catalog = std::move(catalog);
        made.confidence = confidence;
        made.says = "it is a {{kind}}, {{absent}}";
        return made;
    };
    caused.causes = {cause("maybe", "", Confidence::possible),
                     cause("sure", "K-TOKEN", Confidence::certain),
                     cause("not-held", "K-OTHER", Confidence::certain),
                     cause("maybe-too", "K-caused", Confidence::possible)};
    caused.causes[1].when = {{"runner", "^glpat-"}};
    caused.causes[2].when = {{"runner", "^gldt-"}};
    const Matcher matcher({"p", "1", {caused}});
    const Detection detection = only_detection(matcher, record("refused", {{"runner", "glpat-x"}}));
    std::vector<std::string> ids;
    for (const HeldCause& held : detection.causes) ids.push_back(held.cause->id);
    EXPECT_THAT(ids, ElementsAre("sure", "maybe", "maybe-too"));
    EXPECT_EQ(detection.causes[0].says, "it is a access token glpat-x, {{absent}}");
    EXPECT_THAT(detection.also, ElementsAre("K-TOKEN")) << "the rule's own kind is not repeated";
}

TEST(Matcher, FindsRecoveryLinesOfEveryRuleAndAnchorsThem) {
    Rule first = rule("first", "refused");
    first.recover = {{Recovery::Kind::evidence, "job (?P<job>\\d+) received", {"job"}, {}},
                     {Recovery::Kind::after, "loaded", {"runner"}, {}}};
    Rule second = rule("second", "broken");
    second.detect[0].anywhere = true;
    second.recover = {{Recovery::Kind::after, "loaded", {"runner"}, {}}};
    const Matcher matcher({"p", "1", {first, second}});

    const Match loaded = matcher.match(record("loaded", {{"runner", "a"}, {"builds", "1"}}));
    ASSERT_EQ(loaded.recoveries.size(), 1u) << "one line, whatever it proves";
    EXPECT_THAT(loaded.recoveries[0].values, ElementsAre(Pair("runner", "a")))
        << "what it is told apart by, and no more";
    const RecoveryLine& line = *loaded.recoveries[0].line;
    ASSERT_EQ(line.proves.size(), 2u);
    EXPECT_EQ(line.proves[0].rule->id, "first");
    EXPECT_EQ(line.proves[0].index, 1);
    EXPECT_EQ(line.proves[1].rule->id, "second");

    const Match received = matcher.match(record("job 7 received"));
    ASSERT_EQ(received.recoveries.size(), 1u);
    EXPECT_THAT(received.recoveries[0].values, ElementsAre(Pair("job", "7")));
    EXPECT_THAT(matcher.match(record("broken: loaded")).recoveries, IsEmpty())
        << "also for a rule that detects anywhere";
}

TEST(Matcher, LooksInRawBytesOnlyForWhatEveryFormatWritesAsItIs) {
    const Matcher matcher({"p", "1", {rule("quoted", "Runner \"(?P<id>[^\"]+)\" <gone> forever")}});
    const std::string message = "Runner \"a\" <gone> forever";
    ASSERT_THAT(detected(matcher, record(message)), ElementsAre("quoted"));
    for (const char* raw : {R"(Runner "a" <gone> forever                  )",
                            R"({"level":"error","msg":"Runner \"a\" \u003cgone\u003e forever"})",
                            R"(level=error msg="Runner \"a\" <gone> forever")"})
        EXPECT_TRUE(matcher.may_match(raw)) << raw;
    EXPECT_FALSE(matcher.may_match("Runner is here"));
    EXPECT_FALSE(matcher.may_match(""));
}

TEST(Matcher, NamesPatternsThatAreTriedOnEveryRecord) {
    Rule unusual = rule("unusual", "\"\\d+\"");
    unusual.recover = {{Recovery::Kind::evidence, "ok", {}, {}}};
    const Matcher matcher({"p",
                           "1",
                           {rule("usual", "refused by GitLab"), rule("escaped", "a\"b\"c"), unusual,
                            rule("case", "(?i)kernel panic"), rule("case-slow", "(?i)skis")}});
    EXPECT_THAT(matcher.slow_patterns(),
                UnorderedElementsAre("a\"b\"c", "\"\\d+\"", "ok", "(?i)skis"));
    EXPECT_TRUE(matcher.may_match("anything"));
    EXPECT_THAT(detected(matcher, record("\u212aernel panic")), ElementsAre("case"))
        << "the Kelvin sign is a k when case is ignored";
}

TEST(Matcher, OfNoRulesMatchesNothing) {
    const Matcher matcher(RulePack{});
    EXPECT_FALSE(matcher.may_match("anything"));
    EXPECT_THAT(detected(matcher, record("anything")), IsEmpty());
}

TEST(Matcher, ThrowsOnAPatternThatDoesNotCompile) {
    EXPECT_THROW(Matcher({"p", "1", {rule("broken", "(")}}), std::invalid_argument);
}

TEST(FillTemplate, ReplacesWhatItKnows) {
    const Values values{{"a", "1"}, {"b", "{{a}}"}};
    const struct {
        const char *text, *filled;
    } cases[] = {{"", ""},
                 {"no names", "no names"},
                 {"{{a}}", "1"},
                 {"x{{a}}y{{a}}z", "x1y1z"},
                 {"{{b}}", "{{a}}"},  // values are not templates
                 {"{{unknown}} {{a}}", "{{unknown}} 1"},
                 {"{{a", "{{a"},
                 {"{{{{a}}", "{{1"},
                 {"{{x {{a}}", "{{x 1"},
                 {"}}{{a}}", "}}1"}};
    for (const auto& [text, filled] : cases) EXPECT_EQ(fill_template(text, values), filled) << text;
}

TEST(HostOfUrl, IsLowerCaseWithAnUnusualPort) {
    const struct {
        const char *url, *host;
    } cases[] = {{"https://GitLab.Example.com/api/v4", "gitlab.example.com"},
                 {"https://gitlab.example.com", "gitlab.example.com"},
                 {"https://gitlab.example.com:443/x", "gitlab.example.com"},
                 {"HTTP://gitlab.example.com:80", "gitlab.example.com"},
                 {"http://gitlab.example.com:443/", "gitlab.example.com:443"},
                 {"https://gitlab.example.com:8443?q=1", "gitlab.example.com:8443"},
                 {"https://user:p@ss@gitlab.example.com/a@b", "gitlab.example.com"},
                 {"https://[::1]:443/", "[::1]"},
                 {"gitlab.example.com", ""},
                 {"://gitlab.example.com", ""},
                 {"unix:///run/x.sock", ""},
                 {"", ""}};
    for (const auto& [url, host] : cases) EXPECT_EQ(host_of_url(url), host) << url;
}

}  // namespace
}  // namespace runnerwatch
