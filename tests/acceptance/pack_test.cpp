// What the program does before it reads the first line.
#include "tests/acceptance/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace runnerwatch {
namespace {

using testing::ContainsRegex;
using testing::Not;

// The functions of yaml-cpp and RE2 that the program called: the dynamic linker tells each when it
// is called first.
std::string called_by(Program& program, const std::vector<std::string>& arguments) {
    program.with_environment("LD_DEBUG", "bindings");
    program.with_environment("LD_DEBUG_OUTPUT", program.file("linker"));
    const Outcome outcome = program.run(arguments);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    std::string called;
    for (const auto& entry : std::filesystem::directory_iterator(program.file("")))
        if (entry.path().filename().string().starts_with("linker")) {
            std::ifstream in(entry.path());
            for (std::string line; std::getline(in, line);)
                if (line.find("YAML") != line.npos || line.find("re2") != line.npos)
                    called += line + "\n";
        }
    return called;
}

const char* const reads_yaml = "YAML[0-9]+LoadE";
const char* const looks_for_literals = "FilteredRE2[0-9]+Compile";

TEST(BuiltInRules, AreUsedAsTheBuildLeftThem) {
    Program program;
    const std::string called = called_by(program, {"scan", "/dev/null"});
    EXPECT_THAT(called, Not(ContainsRegex(reads_yaml)));
    EXPECT_THAT(called, Not(ContainsRegex(looks_for_literals)));
}

// That the test above can fail.
TEST(BuiltInRules, AreVerifiedTogetherWithThoseOfAFolder) {
    Program program;
    std::filesystem::create_directory(program.file("own"));
    std::ofstream(program.file("own/own.yaml"))
        << "{id: own, title: Our own, impact: None., severity: info, response: advice,\n"
           " detect: [{message: 'Our own line'}],\n"
           " samples: {detect: [{format: text, text: 'level=info msg=\"Our own line\"'}]}}\n";
    const std::string called = called_by(program, {"scan", "/dev/null", "--rules", "own"});
    EXPECT_THAT(called, ContainsRegex(reads_yaml));
    EXPECT_THAT(called, ContainsRegex(looks_for_literals));
}

}  // namespace
}  // namespace runnerwatch
