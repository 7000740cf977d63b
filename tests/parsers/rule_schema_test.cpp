// config/rule.schema.json says the same as the loader, which is asked by giving it a key that it
// cannot know: its message lists those it knows.
#include "parsers/rule_loader.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <set>
#include <sstream>

namespace runnerwatch {
namespace {

using nlohmann::json;

json read_schema() {
    std::ifstream file(SOURCE_DIR "/config/rule.schema.json");
    return json::parse(file);
}

std::set<std::string> words_behind(const std::string& text, const std::string& mark) {
    std::set<std::string> words;
    const std::size_t begin = text.find(mark);
    if (begin == std::string::npos) return words;
    std::istringstream list(text.substr(begin + mark.size()));
    for (std::string word; std::getline(list, word, ',');)
        words.insert(word.substr(word.find_first_not_of(' ')));
    return words;
}

// What the loader says it knows in the place where "?" stands in one of the rules.
std::set<std::string> known(const std::vector<std::string>& rules, const std::string& unknown) {
    std::set<std::string> words;
    for (std::string rule : rules) {
        rule.replace(rule.find('?'), 1, unknown);
        const auto loaded = load_rule({"r.yaml", rule});
        EXPECT_FALSE(loaded) << rule;
        if (loaded) continue;
        for (const RuleError& error : loaded.error())
            if (error.what.find("'" + unknown + "'") != std::string::npos)
                words.merge(words_behind(error.what, "known are: "));
    }
    return words;
}

const std::string key = "qqqqqqqqqqqqqqqqqqqqqqqqqqqq";

TEST(RuleSchema, HasTheKeysThatTheLoaderTakes) {
    const struct {
        const char* place;
        std::vector<std::string> rules;
    } cases[] = {
        {"", {"?: 1", "notice: true\n?: 1", "disabled: true\n?: 1"}},
        {"/properties/fact", {"fact: {?: 1}"}},
        {"/properties/raise", {"raise: {?: 1}"}},
        {"/properties/open", {"open: {?: 1}"}},
        {"/$defs/line", {"open: {sequence: [{?: 1}]}"}},
        {"/$defs/detect", {"detect: [{?: 1}]"}},
        {"/$defs/detect/properties/absent", {"detect: [{absent: {?: 1}}]"}},
        {"/$defs/recover",
         {"recover: [{evidence: {message: a}, ?: 1}]", "recover: [{after: {message: a}, ?: 1}]"}},
        {"/$defs/recovery_line", {"recover: [{evidence: {?: 1}}]"}},
        {"/$defs/wording", {"wordings: [{?: 1}]"}},
        {"/$defs/condition", {"causes: [{when: {?: 1}}]"}},
        {"/$defs/cause", {"causes: [{?: 1}]"}},
        {"/$defs/fix", {"fixes: [{?: 1}]"}},
        {"/$defs/step", {"fixes: [{steps: [{?: 1}]}]"}},
        {"/$defs/runbook", {"runbook: {?: 1}"}},
        {"/properties/samples", {"samples: {?: 1}"}},
        {"/$defs/detect_sample/anyOf/1", {"samples: {detect: [{?: 1}]}"}},
        {"/$defs/ignore_sample/anyOf/1", {"samples: {ignore: [{?: 1}]}"}},
        {"/$defs/recover_sample/anyOf/1", {"samples: {recover: [{?: 1}]}"}},
        {"/$defs/story", {"samples: {stories: [{?: 1}]}"}},
        {"/$defs/story/properties/lines/items", {"samples: {stories: [{lines: [{?: 1}]}]}"}},
        {"/$defs/story/properties/expect", {"samples: {stories: [{expect: {?: 1}}]}"}},
    };
    const json schema = read_schema();
    for (const auto& [place, rules] : cases) {
        SCOPED_TRACE(place);
        const json& object = schema.at(json::json_pointer(place));
        EXPECT_EQ(object.at("additionalProperties"), false);
        std::set<std::string> keys;
        for (const auto& [name, value] : object.at("properties").items()) {
            keys.insert(name);
            const bool said = value.contains("description") || value.contains("$ref") ||
                              std::string(place).find("expect") != std::string::npos ||
                              std::string(place).find("raise") != std::string::npos;
            EXPECT_TRUE(said) << name << " needs a description, which editors show";
        }
        EXPECT_EQ(keys, known(rules, key));
    }
}

TEST(RuleSchema, HasTheWordsThatTheLoaderTakes) {
    const std::pair<const char*, std::string> cases[] = {
        {"/properties/severity", "severity: ?"},
        {"/properties/raise/properties/to", "raise: {to: ?}"},
        {"/properties/response", "response: ?"},
        {"/properties/scope", "scope: ?"},
        {"/properties/status", "status: ?"},
        {"/$defs/cause/properties/confidence", "causes: [{confidence: ?}]"},
        {"/$defs/detect/properties/levels/items", "detect: [{levels: [?]}]"},
        {"/$defs/detect_sample/anyOf/1/properties/format", "samples: {detect: [{format: ?}]}"},
    };
    const json schema = read_schema();
    for (const auto& [place, rule] : cases) {
        SCOPED_TRACE(place);
        const auto words = schema.at(json::json_pointer(place)).at("enum");
        EXPECT_EQ(words.get<std::set<std::string>>(), known({rule}, key));
    }
}

}  // namespace
}  // namespace runnerwatch
