#include "parsers/digest.h"
#include "parsers/matcher.h"
#include "parsers/rule_loader.h"
#include "parsers/sample_check.h"
#include "parsers/strict_yaml.h"

#include <algorithm>
#include <stdexcept>

namespace runnerwatch {
namespace {

void check_references(const RulePack& pack, std::vector<RuleError>& errors) {
    std::vector<std::string> ids;
    for (const Rule& rule : pack.rules) ids.push_back(rule.id);
    const auto switched_off = [&](const std::string& id) {
        return std::any_of(pack.overrides.begin(), pack.overrides.end(),
                           [&](const RuleOverride& one) { return one.earlier.id == id; });
    };
    for (const Rule& rule : pack.rules) {
        for (const std::string& symptom : rule.symptoms) {
            const Rule* found = pack.find(symptom);
            if (found == nullptr && !switched_off(symptom))
                errors.push_back(
                    {rule.file, 0,
                     "symptoms: there is no rule '" + symptom + "'" + suggestion(symptom, ids)});
            else if (found != nullptr && found->notice)
                errors.push_back({rule.file, 0,
                                  "symptoms: '" + symptom + "' is a notice, which raises nothing"});
        }
    }
}

// Takes a rule into the pack: beside the others, or over the one that has its id.
void add_rule(RulePack& pack, Rule rule, std::vector<RuleError>& errors) {
    const auto same = std::find_if(pack.rules.begin(), pack.rules.end(),
                                   [&](const Rule& earlier) { return earlier.id == rule.id; });
    if (same != pack.rules.end())
        pack.overrides.push_back({std::move(*same), rule.file, rule.disabled});
    if (!rule.disabled && same != pack.rules.end()) {
        *same = std::move(rule);
    } else if (!rule.disabled) {
        pack.rules.push_back(std::move(rule));
    } else if (same != pack.rules.end()) {
        pack.rules.erase(same);
    } else {
        std::vector<std::string> ids;
        for (const Rule& known : pack.rules) ids.push_back(known.id);
        errors.push_back({rule.file, 0,
                          "'disabled: true' finds no earlier rule '" + rule.id + "' to switch off" +
                              suggestion(rule.id, ids)});
    }
}

}  // namespace

PackRead read_pack(RulePack base, const std::vector<RuleFile>& files) {
    PackRead read{std::move(base), {}};
    if (files.empty()) return read;
    std::string all = read.pack.version;
    for (const RuleFile& file : files) {
        all += file.name + '\0' + file.text + '\0';
        auto rule = load_rule(file);
        if (!rule) {
            read.errors.insert(read.errors.end(), rule.error().begin(), rule.error().end());
            continue;
        }
        add_rule(read.pack, std::move(*rule), read.errors);
    }
    read.pack.version = sha256_hex(all).substr(0, 12);
    // A rule that could not be read may be the one that is referred to.
    if (read.errors.empty()) check_references(read.pack, read.errors);
    return read;
}

std::vector<RuleError> verify_pack(const RulePack& pack) {
    std::vector<RuleError> errors;
    try {
        const Matcher matcher(pack);
        for (const Rule& rule : matcher.pack().rules) {
            std::vector<RuleError> failed = check_samples(matcher, rule);
            std::move(failed.begin(), failed.end(), std::back_inserter(errors));
        }
    } catch (const std::invalid_argument& error) {
        errors.push_back(
            {pack.name, 0, std::string("the patterns cannot be searched for: ") + error.what()});
    }
    return errors;
}

Result<RulePack, std::vector<RuleError>> load_pack(RulePack base,
                                                   const std::vector<RuleFile>& files) {
    PackRead read = read_pack(std::move(base), files);
    std::vector<RuleError> failed = verify_pack(read.pack);
    std::move(failed.begin(), failed.end(), std::back_inserter(read.errors));
    if (!read.errors.empty()) return failure(std::move(read.errors));
    return std::move(read.pack);
}

Result<RulePack, std::vector<RuleError>> load_pack(const std::string& name,
                                                   const std::vector<RuleFile>& files) {
    RulePack empty;
    empty.name = name;
    return load_pack(std::move(empty), files);
}

}  // namespace runnerwatch
