#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace runnerwatch {

// The scripts by which shells complete the command line, made of the commands themselves, so that
// they name no option that is gone and miss none that is new.

// A command and all below it.
struct CommandWords {
    struct Option {
        std::vector<std::string> names;  // "--output", "-o"
        std::string says;
        bool takes_value = false;
        std::vector<std::string> choices;  // of the value, where they are few
    };
    std::string name, says;
    std::vector<Option> options;
    std::vector<CommandWords> commands;
    bool takes_files = false;  // has arguments that are no commands
};
CommandWords command_words(const CLI::App& program);

// "bash", "zsh" or "fish"; empty for any other.
std::string completion_script(const CommandWords& program, const std::string& shell);

}  // namespace runnerwatch
