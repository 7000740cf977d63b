// What the shells themselves make of the scripts.
#include "daemon/commands/completion.h"

#include <gmock/gmock.h>
#include <CLI/CLI.hpp>

#include <unistd.h>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace runnerwatch {
namespace {

using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::UnorderedElementsAre;

CommandWords sample() {
    CLI::App program{"Watches"};
    CLI::App* scan = program.add_subcommand("scan", "name the troubles in logs; it's quick");
    std::vector<std::string> files;
    std::string output, config;
    scan->add_option("files", files, "log files");
    scan->add_option("--output,-o", output, "for whom")->check(CLI::IsMember({"table", "json"}));
    bool all = false;
    scan->add_flag("--all", all, "every one");
    CLI::App* rules = program.add_subcommand("rules", "the rules");
    rules->add_subcommand("list", "all of them");
    rules->add_subcommand("show", "one of them")->add_option("--config", config, "a file");
    return command_words(program);
}

class Completion : public testing::Test {
protected:
    // What a shell offers where the last word of the line is completed.
    std::vector<std::string> offered(const std::string& shell, const std::string& line) {
        const auto script = std::filesystem::temp_directory_path() /
                            ("runnerwatch-completion-" + std::to_string(::getpid()) + "." + shell);
        std::ofstream(script) << completion_script(sample(), shell);
        const std::string command = shell + " -c " + in_quotes(asks(shell, script, line));
        std::vector<std::string> words;
        std::FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
        std::array<char, 4096> text{};
        while (std::fgets(text.data(), text.size(), pipe) != nullptr) {
            std::string word = text.data();
            word.erase(std::min(word.find_first_of("\t\n"), word.size()));
            if (!word.empty()) words.push_back(word);
        }
        EXPECT_EQ(::pclose(pipe), 0) << shell;
        std::filesystem::remove(script);
        return words;
    }

private:
    static std::string in_quotes(const std::string& text) {
        std::string safe = "'";
        for (const char c : text) safe += c == '\'' ? std::string("'\\''") : std::string(1, c);
        return safe + "'";
    }
    static std::string asks(const std::string& shell, const std::string& script,
                            const std::string& line) {
        if (shell == "fish") return "source " + script + "; complete -C \"" + line + "\"";
        std::istringstream parts(line);
        std::string words, word;
        int count = 0;
        for (; parts >> word; ++count) words += " '" + word + "'";
        if (line.ends_with(' ')) {
            words += " ''";
            ++count;
        }
        if (shell == "bash")
            return "cd /var/empty 2>/dev/null || cd /proc/self/fdinfo; source " + script +
                   "; COMP_WORDS=(" + words + "); COMP_CWORD=" + std::to_string(count - 1) +
                   "; _runnerwatch; for one in \"${COMPREPLY[@]}\"; do echo \"$one\"; done";
        // The builtins that only exist while zsh completes: they say what they are given.
        return "compdef() { }; compadd() { shift; print -l -- \"$@\" }; _files() { print FILES }; "
               "source " +
               script + "; words=(" + words + "); CURRENT=" + std::to_string(count) +
               "; _runnerwatch";
    }
};

TEST_F(Completion, OffersCommandsOptionsAndTheValuesOfOptions) {
    for (const std::string shell : {"bash", "zsh", "fish"}) {
        SCOPED_TRACE(shell);
        EXPECT_THAT(offered(shell, "runnerwatch "), IsSupersetOf({"scan", "rules"}));
        EXPECT_THAT(offered(shell, "runnerwatch rules "), IsSupersetOf({"list", "show"}));
        EXPECT_THAT(offered(shell, "runnerwatch scan --output "),
                    UnorderedElementsAre("table", "json"));
        EXPECT_THAT(offered(shell, "runnerwatch scan -o "), UnorderedElementsAre("table", "json"));
    }
    EXPECT_THAT(offered("bash", "runnerwatch scan --a"), UnorderedElementsAre("--all"));
    EXPECT_THAT(offered("fish", "runnerwatch scan --a"), UnorderedElementsAre("--all"));
    EXPECT_THAT(offered("bash", "runnerwatch rules l"), UnorderedElementsAre("list"));
    EXPECT_THAT(offered("bash", "runnerwatch rules list --a"), IsEmpty());
}

TEST_F(Completion, OffersFilesWhereAFileIsWanted) {
    EXPECT_THAT(offered("zsh", "runnerwatch scan "), testing::Contains("FILES"));
    EXPECT_THAT(offered("zsh", "runnerwatch rules show --config "), UnorderedElementsAre("FILES"));
    EXPECT_THAT(offered("zsh", "runnerwatch rules "), testing::Not(testing::Contains("FILES")));
    EXPECT_THAT(offered("bash", "runnerwatch scan /proc/self/stat"),
                testing::Contains("/proc/self/status"));
    EXPECT_THAT(offered("fish", "runnerwatch scan /proc/self/stat"),
                testing::Contains("/proc/self/status"));
}

TEST_F(Completion, KnowsNoOtherShell) { EXPECT_EQ(completion_script(sample(), "cmd"), ""); }

}  // namespace
}  // namespace runnerwatch
