#include "daemon/commands/completion.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <functional>

namespace runnerwatch {
namespace {

// CLI11 tells the choices of a value in its type: "TEXT:{table,json}".
std::vector<std::string> choices_in(const std::string& type) {
    std::vector<std::string> choices;
    const std::size_t open = type.find('{'), close = type.rfind('}');
    if (open == type.npos || close == type.npos) return choices;
    for (std::size_t at = open + 1; at < close;) {
        const std::size_t end = std::min(type.find(',', at), close);
        choices.push_back(type.substr(at, end - at));
        at = end + 1;
    }
    return choices;
}

CommandWords::Option option_words(const CLI::Option& option) {
    CommandWords::Option words;
    for (const std::string& name : option.get_lnames()) words.names.push_back("--" + name);
    for (const std::string& name : option.get_snames()) words.names.push_back("-" + name);
    words.says = option.get_description();
    words.takes_value = option.get_items_expected_max() > 0;
    words.choices = choices_in(option.get_type_name());
    return words;
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) (text += text.empty() ? "" : " ") += word;
    return text;
}

// Between single quotes, as all three shells take it (fish also ends none at \').
std::string quoted(const std::string& text) {
    std::string safe;
    for (const char c : text) safe += c == '\'' ? std::string("’") : std::string(1, c);
    return "'" + safe + "'";
}

// Every command with the names that lead to it.
void each_command(const CommandWords& command, const std::string& path,
                  const std::function<void(const CommandWords&, const std::string&)>& visit) {
    visit(command, path);
    for (const CommandWords& below : command.commands)
        each_command(below, (path.empty() ? "" : path + " ") + below.name, visit);
}

// What may stand behind the command, and behind each of its options that take one of a few values.
std::string words_after(const CommandWords& command) {
    std::vector<std::string> words;
    for (const CommandWords& below : command.commands) words.push_back(below.name);
    for (const auto& option : command.options)
        words.insert(words.end(), option.names.begin(), option.names.end());
    return joined(words);
}

std::string cases_of(const CommandWords& program) {
    std::string commands, values, paths;
    each_command(program, "", [&](const CommandWords& command, const std::string& path) {
        if (!path.empty()) paths += (paths.empty() ? "" : "|") + quoted(path);
        commands += "        " + quoted(path) + ") words=" + quoted(words_after(command)) +
                    " files=" + (command.takes_files ? "1" : "0") + " ;;\n";
        for (const auto& option : command.options) {
            if (!option.takes_value) continue;
            for (const std::string& name : option.names)
                values += "        " + quoted(path + " " + name) +
                          ") value=1 words=" + quoted(joined(option.choices)) + " ;;\n";
        }
    });
    return "    chain=''\n"
           "    for word in \"${before[@]}\"; do\n"
           "        case \"${chain:+$chain }$word\" in\n"
           "        " +
           paths +
           ") chain=\"${chain:+$chain }$word\" ;;\n"
           "        esac\n"
           "    done\n"
           "    case \"$chain\" in\n" +
           commands +
           "    esac\n"
           "    value=0\n"
           "    case \"$chain $previous\" in\n" +
           values + "    esac\n";
}

std::string bash_script(const CommandWords& program) {
    return "# bash completion of runnerwatch: source it, or put it into\n"
           "# /etc/bash_completion.d/runnerwatch.\n"
           "_runnerwatch() {\n"
           "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
           "    local before=(\"${COMP_WORDS[@]:1:COMP_CWORD-1}\") chain word words files value\n" +
           cases_of(program) +
           "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
           "    if [[ $value = 1 && -z $words ]] || [[ $value = 0 && $files = 1 ]]; then\n"
           "        COMPREPLY+=($(compgen -f -- \"$current\"))\n"
           "    fi\n"
           "}\n"
           "complete -o filenames -F _runnerwatch runnerwatch\n";
}

std::string zsh_script(const CommandWords& program) {
    return "#compdef runnerwatch\n"
           "# zsh completion of runnerwatch: put it as _runnerwatch into a folder of $fpath.\n"
           "_runnerwatch() {\n"
           "    local chain word files value\n"
           "    local previous=${words[CURRENT-1]}\n"
           "    local -a before=(\"${(@)words[2,CURRENT-1]}\")\n"
           "    () {\n"
           "    local words\n" +
           cases_of(program) +
           "    [[ -n $words ]] && compadd -- ${=words}\n"
           "    [[ $value = 1 && -n $words ]] && files=0\n"
           "    [[ $value = 1 && -z $words ]] && files=1\n"
           "    }\n"
           "    if [[ $files = 1 ]]; then _files; fi\n"
           "}\n"
           "if [[ $zsh_eval_context[-1] = loadautofunc ]]; then _runnerwatch \"$@\"\n"
           "else compdef _runnerwatch runnerwatch; fi\n";
}

// A condition for fish: the names that lead to a command stand on the line, and none below it.
std::string seen_by_fish(const CommandWords& command, const std::string& path) {
    std::vector<std::string> below;
    for (const CommandWords& one : command.commands) below.push_back(one.name);
    std::string condition;
    for (std::size_t at = 0; at < path.size();) {
        const std::size_t end = std::min(path.find(' ', at), path.size());
        condition += (condition.empty() ? "" : "; and ") +
                     ("__fish_seen_subcommand_from " + path.substr(at, end - at));
        at = end + 1;
    }
    if (!below.empty())
        condition += (condition.empty() ? "" : "; and ") +
                     ("not __fish_seen_subcommand_from " + joined(below));
    return condition;
}

std::string fish_script(const CommandWords& program) {
    std::string script =
        "# fish completion of runnerwatch: put it into ~/.config/fish/completions/.\n"
        "complete -c runnerwatch -f\n";
    each_command(program, "", [&](const CommandWords& command, const std::string& path) {
        const std::string start =
            "complete -c runnerwatch -n " + quoted(seen_by_fish(command, path));
        for (const CommandWords& below : command.commands)
            script += start + " -a " + below.name + " -d " + quoted(below.says) + "\n";
        if (command.takes_files) script += start + " -F\n";
        for (const auto& option : command.options) {
            script += start;
            for (const std::string& name : option.names)
                script +=
                    name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
            if (!option.choices.empty())
                script += " -x -a " + quoted(joined(option.choices));
            else if (option.takes_value)
                script += " -r -F";
            script += " -d " + quoted(option.says) + "\n";
        }
    });
    return script;
}

}  // namespace

CommandWords command_words(const CLI::App& program) {
    CommandWords words{program.get_name(), program.get_description(), {}, {}, false};
    for (const CLI::Option* option : program.get_options()) {
        if (option->get_positional())
            words.takes_files = true;
        else
            words.options.push_back(option_words(*option));
    }
    for (const CLI::App* below : program.get_subcommands([](const CLI::App*) { return true; }))
        words.commands.push_back(command_words(*below));
    return words;
}

std::string completion_script(const CommandWords& program, const std::string& shell) {
    if (shell == "bash") return bash_script(program);
    if (shell == "zsh") return zsh_script(program);
    if (shell == "fish") return fish_script(program);
    return {};
}

}  // namespace runnerwatch
