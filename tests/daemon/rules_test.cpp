#include "daemon/commands/rules.h"

#include "daemon/commands/explain.h"
#include "daemon/commands/rule_lint.h"
#include "daemon/commands/rule_page.h"
#include "daemon/rule_files.h"
#include "parsers/packed_rules.h"
#include "parsers/rule_loader.h"
#include "parsers/rule_trace.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace runnerwatch {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::string scan_folder = SOURCE_DIR "/tests/daemon/scan/";
const std::string rules_folder = SOURCE_DIR "/tests/daemon/rules/";

std::string expected(const std::string& name) { return read_file(rules_folder + name).value(); }

const Matcher& small_pack() {
    static const Matcher matcher([] {
        std::vector<RuleFile> files;
        for (const std::string name : {"refused.yaml", "disabled.yaml", "slow.yaml"})
            files.push_back({name, read_file(scan_folder + name).value()});
        return load_pack("test", files).value();
    }());
    return matcher;
}

// A folder of rule files that is gone with the object.
class Folder {
public:
    Folder() {
        char name[] = "/tmp/rules_test_XXXXXX";
        path_ = ::mkdtemp(name);
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    void put(const std::string& name, const std::string& text) const {
        std::ofstream(path_ + "/" + name) << text;
    }
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

std::string rule(const std::string& id, const std::string& message) {
    return "id: " + id + "\ntitle: T\nimpact: I\nseverity: warning\nresponse: ticket\n" +
           "detect: [{message: '" + message + "'}]\nsamples:\n  detect: ['WARNING: " + message +
           "']\n";
}

struct Said {
    int code;
    std::string out, err;
};

template <class Command>
Said say(Command&& command) {
    std::ostringstream out, err;
    const int code = command(out, err);
    return {code, out.str(), err.str()};
}

Said explain(const std::string& text, ExplainOptions::Output output = {}) {
    ExplainOptions options;
    options.output = output;
    return say(
        [&](auto& out, auto& err) { return run_explain(options, small_pack(), text, out, err); });
}

Said list(const std::vector<std::string>& folders, ListFormat format = ListFormat::json) {
    return say([&](auto& out, auto& err) {
        return list_rules({folders, {}, format, {}}, out, err);
    });
}

Said test(const std::vector<std::string>& folders) {
    return say([&](auto& out, auto& err) { return test_rules({}, folders, out, err); });
}

json row_of(const Said& said, const std::string& id) {
    for (const auto& row : json::parse(said.out))
        if (row["id"] == id) return row;
    return nullptr;
}

TEST(Explain, SaysHowALineIsReadAndWhyARuleTakesIt) {
    const Said said = explain(
        "[pod/runner-1/manager] 2026-11-23T20:19:04Z time=\"2026-11-23T20:19:03Z\" level=error "
        "msg=refused runner=glpat-FAK status=\"POST https://gitlab.example.com/x: 403\"\n");
    EXPECT_EQ(said.code, 0);
    EXPECT_EQ(said.out, expected("explain-match.expected"));
}

TEST(Explain, NamesTheNearestRuleAndWhereItFailed) {
    const Said said = explain("ERROR: refuse  runner=x\n");
    EXPECT_EQ(said.code, 1);
    EXPECT_EQ(said.out, expected("explain-near.expected"));
}

TEST(Explain, GivesTheSameAsData) {
    const Said said =
        explain("ERROR: refused  runner=glpat-FAK\nWARNING: slow answer\nloaded  builds=1\n",
                ExplainOptions::Output::json);
    const json records = json::parse(said.out);
    ASSERT_EQ(records.size(), 3u);
    EXPECT_EQ(records[0]["matched"]["id"], "refused");
    EXPECT_EQ(records[0]["matched"]["conditions"][0]["what"], "message");
    EXPECT_EQ(records[1]["line"], 2);
    EXPECT_EQ(records[2]["matched"], nullptr);
    EXPECT_EQ(records[2]["recovery_of"][0]["id"], "refused");
}

TEST(Explain, HidesSecrets) {
    const Said said = explain("ERROR: refused  runner=glpat-AbCdEfGhIjKlMnOpQrSt\n");
    EXPECT_THAT(said.out, Not(HasSubstr("AbCdEf")));
}

TEST(Explain, RefusesAnEmptyInput) {
    const Said said = explain("");
    EXPECT_EQ(said.code, 2);
    EXPECT_THAT(said.err, HasSubstr("the input is empty"));
}

TEST(Explain, StopsAtItsLimitAndSaysSo) {
    std::string text;
    for (std::size_t i = 0; i < explained_max + 2; ++i) text += "WARNING: slow answer\n";
    const Said said = explain(text);
    EXPECT_THAT(said.err, HasSubstr("2 further records not explained"));
}

// The tracer says again what the matcher decides: on every sample of every rule they must agree.
TEST(RuleTrace, AgreesWithTheMatcherOnEverySample) {
    const auto matcher = load_rules({}).value();
    const RuleTracer tracer(matcher->pack());
    for (const Rule& owner : matcher->pack().rules) {
        for (const auto* samples : {&owner.sample_detect, &owner.sample_ignore}) {
            for (const Sample& sample : *samples) {
                for (const Record& record : sample_records(sample.text)) {
                    SCOPED_TRACE(owner.id + ": " + sample.text);
                    const auto matched = matcher->rules_that_match(record);
                    for (const Rule& one : matcher->pack().rules) {
                        const auto ways = tracer.ways(one, record);
                        EXPECT_EQ(std::any_of(ways.begin(), ways.end(),
                                              [](const WayTrace& way) { return way.matched; }),
                                  std::count(matched.begin(), matched.end(), &one) == 1)
                            << one.id;
                    }
                }
            }
        }
    }
}

TEST(RuleTrace, FindsHowFarAPatternReaches) {
    const RulePack pack;
    const RuleTracer tracer(pack);
    const auto reach = [&](const std::string& pattern, std::string_view text) {
        const PatternReach far = tracer.reach(pattern, text);
        return std::make_pair(pattern.substr(far.pattern_bytes), far.text_bytes);
    };
    EXPECT_EQ(reach("abc", "abd"), std::make_pair(std::string("c"), std::size_t{2}));
    EXPECT_EQ(reach("a(?P<n>[0-9]+) x", "a12 y"), std::make_pair(std::string("x"), std::size_t{4}));
    EXPECT_EQ(reach("\\[x\\] [^]a]b", "[x] ]b"),
              std::make_pair(std::string("[^]a]b"), std::size_t{4}));
    EXPECT_EQ(reach("x", ""), std::make_pair(std::string("x"), std::size_t{0}));
}

TEST(RulesList, ShowsWhatAFolderOverridesAddsAndSwitchesOff) {
    const Folder first, second;
    first.put("a.yaml", rule("long-polling", "A polls long"));
    first.put("b.yaml", rule("my-own", "My own trouble"));
    second.put("a.yaml", rule("long-polling", "B polls long"));
    second.put("c.yaml", "id: system-id-new\ndisabled: true\nreason: wanted here\n");
    const Said said = list({first.path(), second.path()});
    EXPECT_EQ(said.code, 0) << said.err;
    EXPECT_EQ(row_of(said, "long-polling")["note"], "replaces " + first.path() + "/a.yaml");
    EXPECT_EQ(row_of(said, "my-own")["note"], "from " + first.path() + "/b.yaml");
    EXPECT_EQ(row_of(said, "system-id-new")["note"], "disabled by " + second.path() + "/c.yaml");
    EXPECT_EQ(row_of(said, "runner-disabled")["note"], "");
}

TEST(RulesList, RefusesToSwitchOffWhatIsNotThere) {
    const Folder folder;
    folder.put("c.yaml", "id: system-id-nwe\ndisabled: true\n");
    const Said said = list({folder.path()});
    EXPECT_EQ(said.code, 2);
    EXPECT_THAT(said.err, HasSubstr("finds no earlier rule 'system-id-nwe' to switch off; did you "
                                    "mean 'system-id-new'?"));
}

TEST(RulesList, WritesEveryFormat) {
    EXPECT_THAT(list({}, ListFormat::markdown).out, HasSubstr("| RULE | CATALOGUE |"));
    EXPECT_THAT(list({}, ListFormat::yaml).out, HasSubstr("- id: job-request-forbidden"));
    EXPECT_THAT(list({}, ListFormat::table).out, HasSubstr("job-request-forbidden  "));
}

TEST(RulesShow, TakesIdsAndCatalogueIdsAndSuggestsTheNearest) {
    const auto show = [](const std::string& id) {
        return say([&](auto& out, auto& err) { return show_rule({}, id, out, err); });
    };
    EXPECT_THAT(show("runner-disabled").out, HasSubstr("catalogue   GLR-RUNNER-DISABLED"));
    EXPECT_EQ(show("GLR-RUNNER-DISABLED").out, show("runner-disabled").out);
    EXPECT_EQ(show("runner-disable").code, 2);
    EXPECT_THAT(show("runner-disable").err, HasSubstr("did you mean 'runner-disabled'?"));
}

TEST(RulesTest, FailsWithTheLineOfASampleThatDoesNotHold) {
    const Folder folder;
    folder.put("good.yaml", rule("good-one", "Good trouble"));
    folder.put("bad.yaml", rule("bad-one", "Bad trouble") + "  ignore: ['WARNING: Bad trouble']\n");
    const Said said = test({folder.path()});
    EXPECT_EQ(said.code, 1);
    EXPECT_THAT(said.out, HasSubstr("ok      good-one  1        " + folder.path() + "/good.yaml"));
    EXPECT_THAT(said.out, HasSubstr("FAILED  bad-one   2        " + folder.path() + "/bad.yaml"));
    EXPECT_THAT(said.out, HasSubstr("/bad.yaml:9: the sample must be ignored, but is detected"));
    EXPECT_THAT(said.out, HasSubstr("2 rules tested, 1 failed"));
}

TEST(RulesTest, LetsAFolderTakeLinesOfTheBuiltInRules) {
    const Folder folder;
    folder.put("mine.yaml",
               rule("my-forced", "Runner \"glrt-x\" is not healthy") + "precedence: 99\n");
    EXPECT_EQ(test({folder.path()}).code, 0) << test({folder.path()}).out;
}

TEST(RulesTest, NamesAFolderThatIsNotThere) {
    const Said said = test({"/no/such/folder"});
    EXPECT_EQ(said.code, 2);
    EXPECT_THAT(said.err, HasSubstr("/no/such/folder cannot be read: No such file"));
}

std::vector<std::string> codes(const std::string& text) {
    const Matcher matcher(load_pack("test", {{"r.yaml", text}}).value());
    std::vector<std::string> list;
    for (const RuleWarning& warning : lint(matcher)) list.push_back(warning.code);
    return list;
}

TEST(RulesLint, NamesWhatIsAllowedButShouldNotBe) {
    EXPECT_THAT(codes(rule("r", "Trouble")), ElementsAre("one-format", "near-misses", "no-source"));
    EXPECT_THAT(codes(R"(id: r
title: "Trouble with {{who}}"
impact: I
severity: error
response: page
detect: [{message: '[a-z]+ [0-9]+'}]
causes: [{id: c, confidence: certain, says: "{{level}}"}]
docs: ["https://example.com"]
samples:
  detect: ['ERROR: some 12', '{"level":"error","msg":"some 12"}']
  ignore: ['ERROR: none', 'ERROR: NONE 1']
)"),
                ElementsAre("slow-pattern", "no-fix", "no-disproof", "never-over", "unknown-name",
                            "unknown-name"));
}

TEST(RulesCoverage, SaysWhichFormatsAndRecordingsProveARule) {
    const Matcher matcher(load_pack("test", {{"r.yaml", rule("r", "Trouble")}}).value());
    const auto list = proofs(matcher, {{"a.log", "info\nWARNING: Trouble\n"},
                                       {"b.log", "2026-01-01T00:00:00Z WARNING: Trouble"},
                                       {"c.log", "WARNING: No trouble\n"}});
    ASSERT_EQ(list.size(), 1u);
    EXPECT_EQ(list[0].formats, (std::map<std::string, std::size_t>{{"runner", 1}}));
    EXPECT_THAT(list[0].recordings, ElementsAre("a.log", "b.log"));
}

TEST(RulePages, AreWrittenOnceAndOldOnesRemoved) {
    const Folder folder;
    const auto pages = rule_pages(small_pack().pack());
    EXPECT_EQ(pages.at("refused.md"), expected("refused.expected.md"));
    EXPECT_EQ(write_pages(folder.path(), pages).value(), pages.size());
    EXPECT_EQ(write_pages(folder.path(), pages).value(), 0u);
    folder.put("gone.md", pages.at("refused.md"));
    folder.put("mine.md", "# Mine\n");
    EXPECT_EQ(write_pages(folder.path(), pages).value(), 1u);
    EXPECT_FALSE(std::filesystem::exists(folder.path() + "/gone.md"));
    EXPECT_TRUE(std::filesystem::exists(folder.path() + "/mine.md"));
}

TEST(RulePages, OfTheBuiltInRulesAreThoseThatDocsHas) {
    const std::filesystem::path folder = std::string(SOURCE_DIR) + "/docs/rules";
    const auto pages = rule_pages(built_in_pack());
    for (const auto& [name, text] : pages)
        EXPECT_EQ(read_file((folder / name).string()).value_or(""), text) << "run ./dev docs";
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        EXPECT_TRUE(pages.contains(entry.path().filename().string())) << "run ./dev docs";
}

}  // namespace
}  // namespace runnerwatch
