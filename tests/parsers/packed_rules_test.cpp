#include "parsers/packed_rules.h"

#include "parsers/matcher.h"
#include "parsers/rule_loader.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace runnerwatch {
namespace {

using testing::SizeIs;

std::vector<RuleFile> files_of_the_tree() {
    const std::string folder = "config/rules/gitlab-runner/";
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(SOURCE_DIR "/" + folder))
        names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    std::vector<RuleFile> files;
    for (const std::string& name : names) {
        std::ifstream in(SOURCE_DIR "/" + folder + name, std::ios::binary);
        files.push_back({folder + name, std::string(std::istreambuf_iterator<char>(in), {})});
    }
    return files;
}

TEST(BuiltInPack, HasEveryFieldOfTheFilesOfTheTree) {
    const auto files = files_of_the_tree();
    RulePack empty;
    empty.name = "gitlab-runner";
    PackRead read = read_pack(std::move(empty), files);
    ASSERT_TRUE(read.errors.empty());
    RulePack built_in = built_in_pack();
    EXPECT_THAT(built_in.rules, SizeIs(files.size()));
    built_in.literals.clear();  // not of the files
    EXPECT_TRUE(built_in == read.pack);
}

TEST(BuiltInPack, HasTheLiteralsThatAMatcherNeeds) {
    RulePack pack = built_in_pack();
    const auto carried = std::exchange(pack.literals, {});
    EXPECT_FALSE(carried.empty());
    EXPECT_EQ(Matcher(std::move(pack)).pack().literals, carried) << "found anew";
}

// A value in everything that a pack of rules can have.
RulePack full_pack() {
    Rule rule;
    rule.id = "full";
    rule.title = std::string("a\0b\xff", 4);
    rule.severity = Severity::critical;
    rule.raise_to = Severity::info;
    rule.precedence = -2147483647 - 1;
    rule.notice = rule.disabled = true;
    Detect detect{"m", true, {{"a", "b"}}, {}, {{"c", "d"}}, {Level::error, Level::panic}, ">=1"};
    detect.absent = Absence{"n", Duration::max(), true};
    rule.detect = {detect, {}};
    rule.recover = {{Recovery::Kind::after, "r", {"x", ""}, Duration::min()}};
    rule.open.sequence = {std::string(300, 's')};
    rule.silence = Duration(-1);
    rule.causes.resize(2);
    rule.causes[1].when = {{"f", "p", true}};
    rule.sample_detect = {{"text", "json", {{"k", "v"}, {"l", ""}}, "cause", "by", 1 << 30}};
    Story story;
    story.lines = {{Duration(1), "x"}};
    story.open = false;
    rule.stories = {story, {}};
    return {"name", "version", {rule, {}}, {{rule, "file", true}}, {{"m", {"one", "two"}}, {}}};
}

TEST(PackedRules, KeepEveryField) {
    const auto again = unpacked(packed(full_pack()));
    ASSERT_TRUE(again);
    EXPECT_TRUE(*again == full_pack());
}

TEST(PackedRules, AreRefusedWhenBytesAreMissingOrTooMany) {
    const std::string bytes = packed(full_pack());
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        // Of its own size, so that address sanitizer sees a byte read behind it.
        const std::vector<char> cut(bytes.begin(),
                                    bytes.begin() + static_cast<std::ptrdiff_t>(length));
        EXPECT_FALSE(unpacked({cut.data(), cut.size()})) << length;
    }
    EXPECT_FALSE(unpacked(bytes + '\0'));
}

TEST(PackedRules, OfRubbishAreRefusedOrRules) {
    const std::string bytes = packed(full_pack());
    for (std::size_t at = 0; at < bytes.size(); ++at)
        for (const char bits : {'\x01', '\x7f', '\x80', '\xff'}) {
            std::string wrong = bytes;
            wrong[at] = static_cast<char>(wrong[at] ^ bits);
            if (const auto read = unpacked(wrong)) {
                EXPECT_LE(packed(*read).size(), 2 * bytes.size()) << "more than was there";
            }
        }
}

}  // namespace
}  // namespace runnerwatch
