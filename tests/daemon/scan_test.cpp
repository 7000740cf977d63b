#include "daemon/commands/scan.h"

#include "daemon/commands/scan_report.h"
#include "daemon/commands/scan_text.h"
#include "daemon/rule_files.h"
#include "parsers/redaction.h"
#include "parsers/rule_loader.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/parsers/recordings.h"

namespace runnerwatch {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

const std::string recordings = SOURCE_DIR "/tests/recordings/";

const Matcher& built_in() {
    static const auto matcher = load_rules({}).value();
    return *matcher;
}

// A pack of which every word is known here, so that what is printed can be compared whole.
const std::string expected_folder = SOURCE_DIR "/tests/daemon/scan/";

const Matcher& small_pack() {
    static const Matcher matcher([] {
        std::vector<RuleFile> files;
        for (const std::string name : {"refused.yaml", "disabled.yaml", "slow.yaml"})
            files.push_back({name, read_file(expected_folder + name).value()});
        const auto pack = load_pack("test", files);
        if (!pack)
            for (const RuleError& error : pack.error()) ADD_FAILURE() << error.to_string();
        return pack.value();
    }());
    return matcher;
}

// What is to be printed, whole.
std::string expected(const std::string& name) { return read_file(expected_folder + name).value(); }

struct Scanned {
    int exit_code;
    std::string out, err;
};

Scanned scan(const Matcher& matcher, ScanOptions options) {
    if (options.width == 0) options.width = 80;
    std::ostringstream out, err;
    const int exit_code = run_scan(options, matcher, out, err);
    return {exit_code, out.str(), err.str()};
}

Scanned scan_files(const Matcher& matcher, const std::vector<std::string>& files,
                   ScanOptions::Output output = ScanOptions::Output::table) {
    ScanOptions options;
    options.files = files;
    options.output = output;
    return scan(matcher, options);
}

// A file that is gone with the object.
class TextFile {
public:
    explicit TextFile(const std::string& text) {
        char name[] = "/tmp/scan_test_XXXXXX";
        const int fd = ::mkstemp(name);
        EXPECT_EQ(::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
        ::close(fd);
        name_ = name;
    }
    ~TextFile() { std::filesystem::remove(name_); }
    TextFile(const TextFile&) = delete;
    TextFile& operator=(const TextFile&) = delete;
    const std::string& name() const { return name_; }

private:
    std::string name_;
};

Scanned scan_text(const std::string& text, ScanOptions options = {}) {
    const TextFile file(text);
    options.files = {file.name()};
    Scanned result = scan(small_pack(), options);
    for (std::string* printed : {&result.out, &result.err})
        for (std::size_t at = 0; (at = printed->find(file.name(), at)) != std::string::npos;)
            printed->replace(at, file.name().size(), "LOG");
    return result;
}

// What `printf TEXT | runnerwatch scan -` prints.
Scanned scan_piped(const std::string& text, ScanOptions options = {}) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    EXPECT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
    ::close(ends[1]);
    options.files = {"/dev/fd/" + std::to_string(ends[0])};
    Scanned result = scan(small_pack(), options);
    ::close(ends[0]);
    for (std::size_t at = 0; (at = result.out.find(options.files[0], at)) != std::string::npos;)
        result.out.replace(at, options.files[0].size(), "PIPE");
    return result;
}

std::vector<json> objects(const std::string& out) {
    std::vector<json> list;
    for (const std::string& line : lines_of(out)) list.push_back(json::parse(line));
    return list;
}

// A line in the text format, `second` seconds after noon.
std::string at(int second, const std::string& rest) {
    const Timestamp time{std::chrono::seconds{1'800'014'400 + second}};
    return "time=\"" + format_time(time) + "\" " + rest + "\n";
}

const std::string refused =
    "level=error msg=refused runner=glpat-FAK status=\"POST https://gitlab.example.com/x: 403\"";
const std::string gave_up =
    "level=error msg=\"gave up on https://gitlab.example.com with glpat-FAK\"";
const std::string slow = "level=warning msg=\"slow answer\"";

TEST(Scan, PrintsABlockForEachTroubleWorstFirst) {
    const std::string log = at(0, slow) + at(1, refused) + at(4, refused) + at(5, gave_up) +
                            at(9, "level=info msg=loaded");
    const Scanned result = scan_text(log);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_EQ(result.err, "");
    EXPECT_EQ(result.out, expected("blocks.expected"));
}

TEST(Scan, TellsWhatComesThroughAPipeWhileItComes) {
    std::string log = at(0, slow);
    for (int i = 0; i < 5; ++i) log += at(i, refused);
    log += at(7, "level=info msg=received runner=glpat-FAK");
    const Scanned result = scan_piped(log);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_EQ(result.out, expected("pipe.expected"));
}

TEST(Scan, RewritesTheCountOnATerminal) {
    ScanOptions options;
    options.terminal = true;
    const Scanned result = scan_piped(at(0, refused) + at(1, refused) + at(2, refused), options);
    EXPECT_THAT(result.out,
                HasSubstr("\r  T-REFUSED: seen 2 times, last 2027-01-15 12:00:01 UTC (line 2)"
                          "\x1b[K\r  T-REFUSED: seen 3 times, last 2027-01-15 12:00:02 UTC (line 3)"
                          "\x1b[K\n\nat the end"));
}

TEST(Scan, SumsUpWhatIsKnownAndWhatIsNot) {
    std::string log;
    for (int i = 0; i < 3; ++i)
        log += at(40 * i, "level=error msg=\"drum " + std::to_string(i) + " is bent\"");
    log += at(130, slow) + at(131, refused) + at(300, refused) + at(301, "level=info msg=nothing");
    ScanOptions options;
    options.all = true;
    const std::string out = scan_text(log, options).out;
    const std::size_t summary = out.find("SUMMARY");
    ASSERT_NE(summary, std::string::npos);
    EXPECT_EQ(out.substr(summary), expected("summary.expected"));
    EXPECT_THAT(scan_text(log).out, Not(HasSubstr("no rule")));
}

TEST(Scan, SumsUpWhatNoRuleKnowsWhenNothingElseIsFound) {
    ScanOptions options;
    options.all = true;
    const Scanned result = scan_text("ERROR: drum 7 is bent\n", options);
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_THAT(result.out, HasSubstr("×1          error: drum ‹n› is bent (t-"));
}

TEST(Scan, SaysWhenAThresholdIsMet) {
    EXPECT_THAT(scan_text(at(0, slow) + at(100, slow) + at(200, slow)).out,
                Not(HasSubstr("opens at 3")));
    EXPECT_THAT(scan_text(at(0, slow) + at(100, slow) + at(301, slow)).out,
                HasSubstr("opens at 3 within 5m0s"));
    // without times their order counts
    const std::string line = "WARNING: slow answer\n";
    EXPECT_THAT(scan_text(line + line + line).out,
                HasSubstr("3 times, times unknown, lines 1 to 3\n"));
}

TEST(Scan, SaysWhetherTheTroubleIsOver) {
    struct Case {
        const char* name;
        std::string log;
        const char* now;
    };
    const std::string loaded = "level=info msg=loaded";
    const std::string nothing = "now         nothing in the input says";
    const Case cases[] = {
        {"nothing after it", at(0, refused), nothing.c_str()},
        {"evidence", at(0, refused) + at(1, "level=info msg=received runner=glpat-FAK"),
         "now         over since 2027-01-15 12:00:01 UTC: received"},
        {"evidence of another runner", at(0, refused) + at(1, "level=info msg=received runner=b"),
         nothing.c_str()},
        {"evidence before it", at(0, "level=info msg=received runner=glpat-FAK") + at(1, refused),
         nothing.c_str()},
        {"seen again",
         at(0, refused) + at(1, "level=info msg=received runner=glpat-FAK") + at(2, refused),
         nothing.c_str()},
        {"held long enough", at(0, refused) + at(1, loaded) + at(61, "level=info msg=other"),
         "now         over since 2027-01-15 12:00:01 UTC: loaded"},
        {"not held yet", at(0, refused) + at(1, loaded) + at(60, "level=info msg=other"),
         "now         perhaps over since 2027-01-15 12:00:01 UTC"},
        {"a start without times", "ERROR: refused  runner=x\nloaded  builds=0\n",
         "now         over since line 2: loaded"},
        {"silence that proves", at(0, slow) + at(1, refused) + at(600, refused),
         "now         over: not seen again while the log went on"},
    };
    for (const auto& [name, log, now] : cases) {
        SCOPED_TRACE(name);
        EXPECT_THAT(scan_text(log).out, HasSubstr(now));
    }
}

TEST(Scan, KeepsSymptomsApartThatAreOfAnother) {
    const std::string other =
        "level=error msg=\"gave up on https://gitlab.example.com with other\"";
    const Scanned result = scan_text(at(0, gave_up) + at(1, refused) + at(2, other));
    EXPECT_THAT(result.out, HasSubstr("also        The runner gave up \u00d71; T-KIND"));
    EXPECT_THAT(result.out, HasSubstr("2 kinds of trouble in 3 lines"));
}

TEST(Scan, JoinsThePodsOfAWorkload) {
    const auto from = [](const std::string& pod, const std::string& line) {
        return "[pod/" + pod + "/gitlab-runner] 2027-01-15T12:00:00Z " + line + "\n";
    };
    const std::string log = from("runner-5d9c8b7f6d-x2x8z", refused) +
                            from("runner-5d9c8b7f6d-zzzzz", refused) +
                            from("runner-5d9c8b7f6d-zzzzz", refused) + from("other-0", refused);
    const Scanned result = scan_text(log);
    EXPECT_THAT(result.out, HasSubstr("2 kinds of trouble in 4 lines"));
    EXPECT_THAT(result.out, HasSubstr("where       pod runner-5d9c8b7f6d-x2x8z (LOG:1), pod\n"
                                      "              runner-5d9c8b7f6d-zzzzz (LOG:2) \u00d72"));
    EXPECT_THAT(result.out, HasSubstr("where       pod other-0 (LOG:4)"));
    EXPECT_THAT(result.out, HasSubstr("Replace the token (steps above)"));
}

TEST(Scan, JoinsRecordsOfEachContainerAlone) {
    std::string log;
    for (const std::string line :
         {"\x1b[31;1mERROR: refused", "by", "\x1b[0;m  \x1b[31;1mrunner\x1b[0;m=x"})
        for (const std::string pod : {"a-0", "b-0"}) log += "[pod/" + pod + "/c] " + line + "\n";
    ScanOptions options;
    options.output = ScanOptions::Output::json;
    const auto list = objects(scan_text(log, options).out);
    ASSERT_EQ(list.size(), 2u);
    EXPECT_EQ(list[0]["line"], 1);
    EXPECT_EQ(list[0]["line_end"], 5);
    EXPECT_EQ(list[0]["pod"], "a-0");
    EXPECT_EQ(list[1]["line_end"], 6);
    EXPECT_EQ(list[1]["message"], "refused\nby");
}

TEST(Scan, WritesOneObjectForEachDetection) {
    ScanOptions options;
    options.output = ScanOptions::Output::json;
    const Scanned result = scan_text(
        "ERROR: refused \x1b[0;m  runner\x1b[0;m=a\u202e\nvalue\n" + at(0, slow), options);
    EXPECT_EQ(result.exit_code, 1);
    const auto list = objects(result.out);
    ASSERT_EQ(list.size(), 2u);
    EXPECT_EQ(list[0], json::parse(expected("detection.expected.json")));
    EXPECT_EQ(list[1]["time"], "2027-01-15T12:00:00.000000000Z");
    EXPECT_EQ(list[1]["cause"], nullptr);
    EXPECT_EQ(list[1]["fix"], nullptr);
}

TEST(Scan, ExitsByTheWorstDetection) {
    for (const auto& [fail_on, code] : {std::pair{Severity::info, 1},
                                        {Severity::warning, 1},
                                        {Severity::error, 0},
                                        {Severity::critical, 0}}) {
        ScanOptions options;
        options.fail_on = fail_on;
        EXPECT_EQ(scan_text(at(0, slow), options).exit_code, code);
    }
}

TEST(Scan, IsHonestWhenItFindsNothing) {
    const Scanned result = scan_text("one\ntwo\n");
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(result.out,
              "No known trouble in 2 lines: none of the 3 rules recognises anything in it.\n");
    EXPECT_EQ(scan_text("").out, "The input is empty: there was nothing to look at.\n");
}

TEST(Scan, NamesAnInputItCannotReadAndGoesOn) {
    const TextFile log(at(0, refused));
    const Scanned result = scan_files(small_pack(), {"/no/such/file", "/tmp", log.name()});
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.err, HasSubstr("cannot read /no/such/file\n  because: No such file"));
    EXPECT_THAT(result.err,
                HasSubstr("cannot read /tmp\n  because: Is a directory\n  where:   after "
                          "0 lines of it\n  do:      "));
    EXPECT_THAT(result.out, HasSubstr("T-REFUSED"));
}

TEST(Scan, ReadsWhatIsHardlyALog) {
    const std::string long_line(3'000'000, 'x');
    const Scanned result =
        scan_text(std::string("\0\xff\n", 3) + long_line + "\n" + at(0, refused));
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.out, HasSubstr("where       LOG:3"));
    EXPECT_THAT(result.err, HasSubstr("LOG holds NUL bytes"));
    EXPECT_THAT(result.err, HasSubstr("LOG: of 1 line longer than 64 KiB only the beginning"));
}

TEST(Scan, ShowsNoSecretAndLetsNoLogTextActOnTheTerminalOrTheShell) {
    std::string canary = redaction_canary();
    std::replace(canary.begin(), canary.end(), '\n', ' ');
    const std::string hostile = "ERROR: refused \x1b[0;m  \x1b[31;1mnote\x1b[0;m=" + canary +
                                " \x1b[31;1mrunner\x1b[0;m=$(reboot)\r\u202e\x9b" +
                                " \x1b[31;1mstatus\x1b[0;m=https://gitlab.example.com/x: 403\n";
    for (const auto output : {ScanOptions::Output::table, ScanOptions::Output::json}) {
        ScanOptions options;
        options.output = output;
        const std::string out = scan_text(hostile, options).out;
        EXPECT_THAT(out, HasSubstr("T-REFUSED"));
        EXPECT_FALSE(holds_canary_secret(out));
        EXPECT_THAT(out, HasSubstr("X:{{runner}}"));
        for (const char* bad : {"\x1b", "\r", "\u202e", "\x9b"})
            EXPECT_THAT(out, Not(HasSubstr(bad)));
    }
}

TEST(Scan, ColoursOnlyWhenAsked) {
    ScanOptions options;
    options.colour = true;
    EXPECT_THAT(scan_text(at(0, refused), options).out, HasSubstr("\x1b[1;31mERROR\x1b[0m"));
}

TEST(WorkloadOfPod, TakesOffGeneratedEndings) {
    const std::pair<const char*, const char*> cases[] = {
        {"gitlab-runner-5d9c8b7f6d-x2x8z", "gitlab-runner"},
        {"gitlab-runner-x2x8z", "gitlab-runner"},
        {"gitlab-runner-12", "gitlab-runner"},
        {"gitlab-runner", "gitlab-runner"},
        {"runner", "runner"},
        {"", ""},
    };
    for (const auto& [pod, workload] : cases) EXPECT_EQ(workload_of_pod(pod), workload);
}

TEST(Wrapped, KeepsLongWordsWhole) {
    EXPECT_EQ(wrapped("aaaa bbbb cccc dddd eeee ffff", 2, 22), "aaaa bbbb cccc dddd\n  eeee ffff");
    EXPECT_EQ(wrapped("a " + std::string(30, 'b') + " c", 0, 20),
              "a\n" + std::string(30, 'b') + "\nc");
    EXPECT_EQ(wrapped("one\ntwo", 1, 80), "one\n two");
}

// The conditions that a recording shows, by catalogue id: the lines of each.
std::map<std::string, std::set<std::uint64_t>> expected_lines(const json& entry) {
    std::map<std::string, std::set<std::uint64_t>> lines;
    for (const json& condition : entry["expected"])
        if (condition["kind"].is_string())
            for (const json& line : condition["line_numbers"])
                lines[condition["kind"].get<std::string>()].insert(line.get<std::uint64_t>());
    return lines;
}

// The lines of a recording that a notice takes: of them scan tells nothing.
std::set<std::uint64_t> lines_of_notices(const std::string& file) {
    std::set<std::uint64_t> lines;
    for (const ReadRecord& record : records_of(read_recording(file)))
        if (built_in().match(record.decoded()).notice != nullptr)
            for (std::uint64_t line = record.first_line;
                 line <= record.last_line + record.continuation.size(); ++line)
                lines.insert(line);
    return lines;
}

TEST(Scan, FindsInTheRecordingsWhatTheyShowAndNothingElse) {
    std::ifstream index(recordings + "index.jsonl");
    int compared = 0, silent = 0;
    for (std::string line; std::getline(index, line);) {
        const json entry = json::parse(line);
        const std::string file = entry["file"];
        SCOPED_TRACE(file);
        std::map<std::string, std::set<std::uint64_t>> found, shown;
        const std::set<std::uint64_t> notices = lines_of_notices(file);
        for (const auto& [kind, lines] : expected_lines(entry))
            for (const std::uint64_t number : lines)
                notices.contains(number) ? void(++silent) : void(shown[kind].insert(number));
        for (const json& object :
             objects(scan_files(built_in(), {recordings + file}, ScanOptions::Output::json).out)) {
            std::vector<std::string> ids = object["also"];
            ids.push_back(object["catalog"]);
            for (std::uint64_t number = object["line"]; number <= object["line_end"]; ++number)
                for (const std::string& id : ids) found[id].insert(number);
        }
        EXPECT_EQ(found, shown);
        for (const auto& [kind, lines] : shown) compared += static_cast<int>(lines.size());
    }
    EXPECT_GT(compared, 500);
    EXPECT_GT(silent, 50) << "what the index names and a notice takes";
}

TEST(Scan, TellsTheStoryOfTheProject) {
    const Scanned result = scan_files(built_in(), {recordings + "seed-403-readonly.runner.log"});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.out, testing::StartsWith("CRITICAL  GitLab refuses this runner's job "
                                                "requests (403)  GLR-API-403-JOBREQ\n"));
    EXPECT_THAT(result.out, HasSubstr("GLR-TOKEN-WRONG-KIND"));
    EXPECT_THAT(result.out, HasSubstr("\nWARNING  The runner cannot save its system ID  "));
    EXPECT_THAT(result.out, HasSubstr("\n3 kinds of trouble in 26 lines; exit 1\n"));
    const Scanned healthy = scan_files(built_in(), {recordings + "idle-healthy-75s.runner.log"});
    EXPECT_EQ(healthy.exit_code, 0);
    EXPECT_THAT(healthy.out, testing::StartsWith("No known trouble in "));
}

}  // namespace
}  // namespace runnerwatch
